"""Run by the interpreter of the target, alone: sources come in by stdin, what they compile to goes out.

It imports nothing of Blackcat, and must run on each Python of Lambda's.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import sys
from types import CodeType

# JSON has no bytes; of these characters each is one.
BYTES = "latin-1"
# PEP 552: decided by a hash, which is not checked. A layer does not change.
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
# Before, a set's order in the file is that of its members' hashes, and these constants' are addresses.
_SORTS_SETS = (3, 11)
_HASHED_BY_ADDRESS = (None, ...)


def compiled(path: str, source: bytes) -> bytes | None:
    """The content of its .pyc; None for what this Python does not compile, or never to the same bytes."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError):
        return None
    if sys.version_info < _SORTS_SETS and _has_unsteady_set(code):
        return None
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    return header + marshal.dumps(code)


def _has_unsteady_set(value: object) -> bool:
    if isinstance(value, CodeType):
        return any(_has_unsteady_set(constant) for constant in value.co_consts)
    if isinstance(value, frozenset):
        return any(member in _HASHED_BY_ADDRESS for member in value)
    return False


if __name__ == "__main__":
    contents = (compiled(path, source.encode(BYTES)) for path, source in json.load(sys.stdin))
    json.dump([content.decode(BYTES) if content else None for content in contents], sys.stdout)
