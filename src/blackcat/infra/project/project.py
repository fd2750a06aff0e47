"""The user's project: its folder, what its pyproject.toml says to Blackcat, its registry."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import ConfigurationError, ProjectError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What pyproject.toml may say under [tool.blackcat].
_KEYS = ("services", "templates", "emulator", "layout", "lambda", "deploy")
# Tables of their own, which whoever uses them reads.
_TABLES = ("lambda", "deploy")
# What it may say under [tool.blackcat.deploy]; who reads them knows what they may be.
_DEPLOY_KEYS = ("python", "shutdown_timeout_seconds", "place")
_DEFAULT_SERVICES = "services:services"
_LAYOUTS = ("service", "lambda")


@dataclass(frozen=True)
class Project:
    """A project of the user's.

    ``services`` is where its registry is, as ``module:name``; ``options`` is ``[tool.blackcat]``.
    """

    root: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def services(self) -> str:
        return str(self.options.get("services", _DEFAULT_SERVICES))

    @property
    def layout(self) -> str:
        """``service``, a registry of services; or ``lambda``, one function with its operations."""
        return str(self.options.get("layout", _LAYOUTS[0]))

    def require_services(self) -> None:
        """Raises ProjectError for a project whose layout has no registry of services."""
        if self.layout == "lambda" and "services" not in self.options:
            raise ProjectError(
                f"{self.root} is one function, in the lambda layout, without a registry of services: add to "
                "it with `blackcat generate-operation NAME`, and see with `make help` what else it has"
            )

    def enter(self) -> None:
        """Make it the working directory and importable, as for ``python main.py``."""
        os.chdir(self.root)
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))

    def registry(self) -> ServiceRegistry:
        """The project's registry, imported; enters the project. Raises ProjectError, naming the line."""
        self.require_services()
        self.enter()
        module_name, _, name = self.services.partition(":")
        try:
            module = importlib.import_module(module_name)
        except ConfigurationError as error:
            raise ProjectError(f"{_line_of(error, self.root)}: {error}") from error
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            raise ProjectError(f"{_line_of(error, self.root)}: {what}; mend it and run again") from error
        found = getattr(module, name or "services", None)
        if not isinstance(found, ServiceRegistry):
            raise ProjectError(
                f"{module_name} has no ServiceRegistry named '{name or 'services'}': write "
                "`services = ServiceRegistry([...])` there, or name the place in pyproject.toml: "
                '[tool.blackcat] services = "module:name"'
            )
        return found


def find_project(start: Path) -> Project:
    """The project of that folder, or of the nearest folder above it. Raises ProjectError."""
    for folder in (start.absolute(), *start.absolute().parents):
        options = _options(folder / "pyproject.toml")
        if options is not None or _has_services(folder):
            return Project(folder, options or {})
    raise ProjectError(
        f"{start.absolute()} is no Blackcat project, nor is any folder above it: change to one that has "
        "services/__init__.py, or start one with `blackcat new NAME`"
    )


def _has_services(folder: Path) -> bool:
    # A package called services within another package is none of ours: src/core/services, say.
    is_package = (folder / "__init__.py").is_file()
    names = ("services/__init__.py", "services.py")
    return not is_package and any((folder / name).is_file() for name in names)


def _options(pyproject: Path) -> Mapping[str, Any] | None:
    """``[tool.blackcat]``; None when there is none."""
    if not pyproject.is_file():
        return None
    try:
        options = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {}).get("blackcat")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{pyproject} cannot be read: {error}") from error
    if options is None:
        return None
    problems = list(_problems(options))
    if problems:
        raise ProjectError(f"{pyproject}: " + "; ".join(problems))
    return dict(options)


def _problems(options: Any) -> Iterator[str]:
    if not isinstance(options, dict):
        yield "[tool.blackcat] must be a table"
        return
    for key, value in options.items():
        if key not in _KEYS:
            yield f"[tool.blackcat] has '{key}', which Blackcat does not know: it knows {', '.join(_KEYS)}"
        elif key in _TABLES:
            yield from _table_problems(key, value)
        elif not isinstance(value, str):
            yield f"[tool.blackcat] {key} must be a text"
        elif key == "layout" and value not in _LAYOUTS:
            yield f"[tool.blackcat] layout must be {' or '.join(_LAYOUTS)}"


def _table_problems(name: str, options: Any) -> Iterator[str]:
    if not isinstance(options, dict):
        yield f"[tool.blackcat.{name}] must be a table"
        return
    for key in options:
        if name == "deploy" and key not in _DEPLOY_KEYS:
            known = ", ".join(_DEPLOY_KEYS)
            yield f"[tool.blackcat.deploy] has '{key}', which Blackcat does not know: it knows {known}"


def _line_of(error: BaseException, root: Path) -> str:
    """Where in the project it went wrong: the line that is no Python, or its last one in the traceback."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(root):
        return f"{Path(error.filename).relative_to(root)}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            return f"{path.relative_to(root)}:{frame.lineno}"
    return "the project's services"
