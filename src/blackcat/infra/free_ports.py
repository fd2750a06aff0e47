"""Ports of this machine."""

from __future__ import annotations

import itertools
import random
import socket

HOST = "127.0.0.1"

# Below those that Linux (from 32768) and macOS (from 49152) give to outgoing connections, any of which
# may take a port between our choice and its use.
_CHOSEN_FROM = range(20_000, 32_768)


def is_free(port: int) -> bool:
    """Whether a server could listen there now, on this machine's own address and on all."""
    return _can_listen(HOST, port) and _can_listen("", port)


def any_free_port() -> int:
    """One that others who ask at the same time hardly get too."""
    candidates = (random.choice(_CHOSEN_FROM) for _ in itertools.count())
    return next(port for port in candidates if is_free(port))


def _can_listen(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False
