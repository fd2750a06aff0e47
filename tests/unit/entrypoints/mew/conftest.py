"""Packages of commands that a test writes itself, and what functions log."""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog

_NUMBERS = itertools.count()

Written = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Written]:
    """``package(order_commands="def …")`` writes these modules and gives the package that they are in."""
    sys.path.insert(0, str(tmp_path))

    def written(**modules: str) -> ModuleType:
        folder = tmp_path / f"commands_of_test_{next(_NUMBERS)}"
        folder.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(folder.name)

    yield written
    sys.path.remove(str(tmp_path))


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the process logged since it was last asked; logging is as it was before, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    hooks, raising = (sys.excepthook, threading.excepthook), logging.raiseExceptions
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()
