"""Which files of a project go into the function's zip."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath

# Directly below a source folder; deeper down, a package may well be named so.
_NOT_RUN = ("tests", "docs")
_NO_SOURCES = ("build", "deployments", "dist", "docs", "node_modules", "site-packages", "tests")
_COMPILED = (".pyc", ".pyo")
_SECRET = re.compile(
    r"""
    .*\.(key | p12 | pfx | jks | keystore | ppk | kdbx)   # what holds private keys
    | id_(rsa | dsa | ecdsa | ed25519)
    | .*\.(env | tfvars | tfstate)
    | credentials(\.(json | csv | ini))? | .*[-_]accessKeys\.csv | secrets?\.(ya?ml | json | toml)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CERTIFICATES = (".pem", ".crt", ".cer")
_PRIVATE_KEY = b"PRIVATE KEY-----"


def sources_of(paths: Collection[PurePosixPath]) -> list[str]:
    """What a project runs from, where it does not say so: ``src``, or its packages and modules.

    These come with pyproject.toml, which may name their registry.
    """
    if PurePosixPath("src/main.py") in paths:
        return ["src"]
    packages = {path.parts[0] for path in paths if len(path.parts) == 2 and path.name == "__init__.py"}
    modules = {path.name for path in paths if len(path.parts) == 1 and path.suffix == ".py"}
    told = {"pyproject.toml"} & {str(path) for path in paths}
    return sorted(name for name in packages | modules | told if name not in _NO_SOURCES)


def is_source(path: PurePosixPath, sources: Sequence[str]) -> bool:
    """Whether the function needs that file, relative to the project, to run."""
    source = next((PurePosixPath(one) for one in sources if path.is_relative_to(one)), None)
    if source is None or path.suffix in _COMPILED:
        return False
    below = path.relative_to(source).parts
    not_run = _NOT_RUN if source.parts else _NO_SOURCES
    return not (is_hidden(path) or "__pycache__" in below or (below and below[0] in not_run))


def is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def is_secret(path: PurePosixPath, content: bytes) -> bool:
    """Whether a file's name says that it holds secrets; certificates are none, without their key."""
    if path.suffix.lower() in _CERTIFICATES:
        return _PRIVATE_KEY in content
    return bool(_SECRET.fullmatch(path.name))


def skipped_folders(names: Iterable[str]) -> set[str]:
    """The folders that are not even looked into."""
    return {name for name in names if name.startswith(".") or name in ("__pycache__", "node_modules")}
