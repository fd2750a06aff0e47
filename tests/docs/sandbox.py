"""A folder in which a page's blocks do what a reader would do with them: files, commands, Python."""

from __future__ import annotations

import inspect
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

from tests.docs import rules
from tests.docs.blocks import ROOT, Block, Command

from blackcat.adapters_aws import AwsOptions, provision

PLUGIN = "blackcat.entrypoints.pytest_plugin"
PATIENCE_SECONDS = 120
# Commands that run until they are stopped, and what they say once they are up.
_STAYS = re.compile(r"(\w+=\S+ )*(blackcat dev|blackcat run|python main\.py|python try_it\.py)\b")
_LOOKS = re.compile(r"blackcat (dlq list|services|invoke)\b")
_READY = re.compile(r"consumer\.started|api\.listening|worker\.finished|send a message")

# What is another one in each run: ids, ports, and what a page leaves out.
_DIFFERS = re.compile(r"…|(?<=127\.0\.0\.1:)\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")

_TESTS = re.compile(r"^(def test_|class Test)", re.MULTILINE)
_SPACES = re.compile(r"  +")  # columns are as wide as what stands in them

# Each page: the project that it is about, its own files over it.
_SETTING = Path(__file__).with_name("pages")
_BASES = {"payment": ROOT / "examples" / "payment"}
_BEFORE = "before.py"  # what has happened before the page begins
_PRELUDE = "prelude.py"  # the names that a page's fragments take for granted


class Sandbox:
    """A page's folder, with the variables of its processes."""

    def __init__(
        self,
        folder: Path,
        page: str,
        environment: Mapping[str, str],
        *,
        python: str = sys.executable,
        thorough: bool = False,
    ) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._python = python
        self._prefix = self.environment.get("RESOURCE_PREFIX", "no prefix")
        self._thorough = thorough  # nothing is left out, not even what needs a package index
        self._setting = _SETTING / page.removesuffix(".md")
        self._staying: list[tuple[str, subprocess.Popen[str], Path]] = []
        self._provisioned = ""
        self._cwd = folder
        self._at_dev = False
        self._furnish()

    def _furnish(self) -> None:
        base = self._setting / "base.txt"
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "tests", "base.txt", _PRELUDE)
        for source in (_BASES[base.read_text().strip()] if base.exists() else None, self._setting):
            if source and source.exists():
                shutil.copytree(source, self.folder, dirs_exist_ok=True, ignore=ignored)
        for hidden in self.folder.glob("dot.*"):  # git ignores .env files, so they stand under another name
            hidden.rename(hidden.with_name(hidden.name.removeprefix("dot")))

    def follow(self, blocks: list[Block]) -> None:
        """Files and commands in their order; then the Python blocks, in one module."""
        if (self.folder / _BEFORE).exists():
            self._provision()
            done = self._run(self._python, _BEFORE)
            assert done.returncode == 0, done.stderr
        for block in blocks:
            if block.path and rules.executed(block):
                self._write(block.path, block.code)
            elif block.language == "console":
                for command in block.commands:
                    self._type(block, command)
        self._execute([block for block in blocks if block.language == "python"])

    def _write(self, path: str, code: str) -> None:
        file = self._cwd / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")

    def _type(self, block: Block, command: Command) -> None:
        if not (self._thorough or rules.runs(block, command)):
            return
        self._provision()
        if _STAYS.match(command.line) and not rules.status(block, command):
            self._start(block, command)
        else:
            self._end(block, command)

    def _end(self, block: Block, command: Command) -> None:
        """Run a command to its end; one that looks at running services again, until they came so far."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = self._shell(command.line)
            output = (done.stdout + done.stderr).replace(self._prefix, "")
            well = done.returncode == rules.status(block, command) and shows(output, command.output)
            waits = self._staying and _LOOKS.match(command.line) and time.monotonic() < deadline
            if well or not waits:
                break
        told = [block.where, f"$ {command.line}", output, f"status {done.returncode}; should show"]
        assert well, "\n".join([*told, *command.output])

    def _shell(self, line: str) -> subprocess.CompletedProcess[str]:
        place = self.folder / ".cwd"
        script = f'{line}\nstatus=$?; pwd > "{place}"; exit $status'
        done = self._run("bash", "-c", script, env=self._variables(line))
        self._cwd = Path(place.read_text().strip()) if place.exists() else self._cwd
        return done

    def _variables(self, line: str) -> dict[str, str]:
        """A reader has no emulator but that of `blackcat dev`, which the command line finds by itself."""
        finds_its_own = "try_it.py" in line or (self._at_dev and line.startswith("blackcat "))
        if not finds_its_own:
            return self.environment
        kept = {name: value for name, value in self.environment.items() if not name.startswith("AWS_")}
        return {name: value for name, value in kept.items() if name != "RESOURCE_PREFIX"}

    def _run(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self._cwd,
            env=env or self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def _start(self, block: Block, command: Command) -> None:
        log = self.folder / f".{len(self._staying)}.log"
        self._at_dev = self._at_dev or "blackcat dev" in command.line
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {command.line}"],
                cwd=self._cwd,
                env=self._variables(command.line),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self._staying.append((f"{block.where} $ {command.line}", process, log))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_up(log.read_text(), command.output):
            told = f"{block.where}\n$ {command.line}\n{log.read_text()}"
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    @staticmethod
    def _is_up(output: str, shown: tuple[str, ...]) -> bool:
        return shows(output, shown) if shown else bool(_READY.search(output))

    def _provision(self) -> None:
        """What the registry declares stands on the emulator before anything calls it."""
        registry = self._cwd / "services" / "__init__.py"
        endpoint = self.environment.get("AWS_ENDPOINT_URL")
        text = registry.read_text(encoding="utf-8") if endpoint and registry.exists() else ""
        if "ServiceRegistry(" in text and text != self._provisioned:
            declared = runpy.run_path(str(registry))["services"]
            options = AwsOptions(region=self.environment["AWS_REGION"], endpoint_url=endpoint)
            provision(declared, options, prefix=self.environment["RESOURCE_PREFIX"])
            self._provisioned = text

    def _execute(self, blocks: list[Block]) -> None:
        if not blocks:
            return
        self._provision()
        module = self._cwd / "test_page.py"
        parts = [self._prelude(), inspect.getsource(cannot_run), *map(_as_module, blocks)]
        module.write_text("\n\n".join(parts), encoding="utf-8")
        files = sorted(self._cwd.glob("test_*.py"))
        if any(_TESTS.search(file.read_text(encoding="utf-8")) for file in files):
            options = (
                "-q",
                "-p",
                "no:cacheprovider",
                "--import-mode=importlib",
                "-o",
                "addopts=",
                "--rootdir=.",
            )
            command = ("-m", "pytest", *options, *self._plugin(), *map(str, files))
        else:
            command = (module.name,)
        done = self._run(self._python, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        check = ("ruff", "check", "-q", "--isolated", "--select", "F821", ".")
        undefined = self._run(self._python, "-m", *check)
        assert undefined.returncode == 0, undefined.stdout + undefined.stderr

    def _plugin(self) -> tuple[str, ...]:
        """Where Blackcat is installed, pytest finds its plugin; where it is on the path only, it is told."""
        here = any(found.value == PLUGIN for found in entry_points(group="pytest11"))
        return () if here or self._python != sys.executable else ("-p", PLUGIN)

    def _prelude(self) -> str:
        prelude = self._setting / _PRELUDE
        return prelude.read_text(encoding="utf-8") if prelude.exists() else ""

    def leave(self) -> None:
        """Stop what was started, as Ctrl-C does; each ends well."""
        for what, process, log in reversed(self._staying):
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_SECONDS) == 0, f"{what}\n{log.read_text()}"

    def abandon(self) -> None:
        for _, process, _ in self._staying:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_SECONDS)


def _as_module(block: Block) -> str:
    """What a block is in the page's module: itself, an import of its file, or a proof that it fails."""
    if not rules.executed(block):
        proof = f"assert cannot_run({block.code!r}, dict(globals()))"
        return f"def test_line_{block.number}_needs_its_rule():\n    {proof}"
    if block.path:
        module = block.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        runs_at_import = module.startswith(("try_it", "test_"))
        return "" if runs_at_import else f"import {module}  # line {block.number}"
    return f"# line {block.number}\n{block.code}"


def cannot_run(code: str, names: dict[str, object]) -> bool:
    """Whether the code raises, or has a function that needs a name which nobody gives it."""
    import builtins
    import symtable

    try:
        exec(code, names)  # noqa: S102 - a page of ours
    except Exception:
        return True
    tables = [symtable.symtable(code, "page", "exec")]
    for table in tables:
        tables += table.get_children()
    wanted = {symbol.get_name() for table in tables for symbol in table.get_symbols() if symbol.is_global()}
    return bool(wanted - names.keys() - set(dir(builtins)))


def shows(output: str, shown: tuple[str, ...]) -> bool:
    """Whether the output has these lines, in their order; an ellipsis stands for whatever is there."""
    lines = iter(_SPACES.sub("  ", output).splitlines())
    for line in shown:
        parts = _DIFFERS.split(_SPACES.sub("  ", line))
        pattern = re.compile(".*".join(map(re.escape, parts)) + r"\s*$")
        if any(part.strip() for part in parts) and not any(pattern.match(candidate) for candidate in lines):
            return False
    return True


@contextmanager
def sandbox(folder: Path, page: str, environment: Mapping[str, str]) -> Iterator[Sandbox]:
    """A page's sandbox, for the Python and the Blackcat that run this."""
    with _entered(Sandbox(folder, page, _variables(folder, environment))) as opened:
        yield opened


@contextmanager
def furnished(folder: Path, page: str, environment: Mapping[str, str], *, python: str) -> Iterator[Sandbox]:
    """One for another Python, where Blackcat is installed; nothing of the page is left out."""
    with _entered(Sandbox(folder, page, environment, python=python, thorough=True)) as opened:
        yield opened


@contextmanager
def _entered(opened: Sandbox) -> Iterator[Sandbox]:
    """What was started has ended when it is left."""
    try:
        yield opened
        opened.leave()
    finally:
        opened.abandon()


def _variables(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    blackcat = programs / "blackcat"
    blackcat.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m blackcat "$@"\n')
    blackcat.chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), environment["PATH"]])
    python_path = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), "."]))
    return {**environment, "PATH": path, "PYTHONPATH": python_path}
