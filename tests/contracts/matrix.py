"""What the suites found on each backend, as docs/en/contracts.md tells it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from blackcat.infra.emulator import EMULATOR
from contracts.deviations import DEVIATIONS, IN_MEMORY, MINISTACK, MOTO, RABBITMQ
from contracts.properties import PROPERTIES
from rabbitmq_server import SERVER

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs/en/contracts.md"
BACKENDS = (IN_MEMORY, MINISTACK, MOTO, RABBITMQ)
SUITES = (
    "QueueContract",
    "TopicContract",
    "EventBusContract",
    "TableContract",
    "TransactionsContract",
    "RepositoryContract",
    "IdempotencyContract",
    "SecretStoreContract",
)


@dataclass(frozen=True)
class Checked:
    """One test of a suite, as it was run on a backend; ``case`` tells its parameters."""

    suite: str
    variant: str
    backend: str
    test: str
    case: str

    @property
    def named(self) -> str:
        """The name under which it may stand among the deviations: with its case, where that has one."""
        with_case = f"{self.test}[{self.case}]"
        return with_case if with_case in self._told else self.test

    @property
    def deviation(self) -> str | None:
        """Why it is expected to fail there."""
        return self._told.get(self.named)

    @property
    def _told(self) -> Mapping[str, str]:
        return DEVIATIONS.get(self.suite, {}).get(self.backend, {})


def checked(item: pytest.Item) -> Checked | None:
    """What an item of pytest's checks, unless it is a test of another kind."""
    if not isinstance(item, pytest.Function) or item.cls is None or item.path.parent != FOLDER:
        return None
    for suite in item.cls.__mro__:
        if suite.__name__ in SUITES and hasattr(suite, item.originalname):
            backend, case = _backend_and_case(item)
            return Checked(suite.__name__, getattr(item.cls, "variant", ""), backend, item.originalname, case)
    return None


def is_whole(config: pytest.Config) -> bool:
    """Whether pytest was asked for all of this folder."""
    asked = (Path(config.invocation_params.dir, argument).resolve() for argument in config.args)
    return any(FOLDER.is_relative_to(path) for path in asked)


def _backend_and_case(item: pytest.Function) -> tuple[str, str]:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    case = item.callspec.id if parameters else ""
    if "aws_options" in parameters:
        backend = str(parameters["aws_options"])
        return backend, case.removeprefix(backend).removeprefix("-")
    return RABBITMQ if "rabbitmq" in item.path.name else IN_MEMORY, case


def written_anew(page: str, seen: Sequence[Checked], rabbitmq: str) -> str:
    """The page with what was seen between its marks; ``rabbitmq`` is the version of RabbitMQ."""
    versions = {MINISTACK: EMULATOR.partition("==")[2], MOTO: version("moto"), RABBITMQ: rabbitmq}
    titles = {backend: f"{backend} {versions.get(backend, '')}".strip() for backend in BACKENDS}
    for mark, lines in (
        ("matrix", _matrix(seen, titles)),
        ("deviations", _deviations(seen, titles)),
        ("properties", _properties()),
    ):
        start, end = f"<!-- {mark}, written by `make matrix` -->\n\n", f"\n\n<!-- end of {mark} -->"
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(end)
        page = f"{before}{start}{chr(10).join(lines)}{end}{after}"
    return page


def version_of_rabbitmq() -> str:
    """That of the server which the tests start."""
    command = shutil.which("rabbitmqctl", path=str(Path(SERVER or "").parent)) or "rabbitmqctl"
    return subprocess.run([command, "version"], capture_output=True, text=True, check=True).stdout.strip()


def told_version_of_rabbitmq(page: str) -> str:
    """That which the page tells: not every machine has the same one."""
    found = re.search(rf"\| {RABBITMQ} (\S+) \|", page)
    return found[1] if found else ""


def _matrix(seen: Iterable[Checked], titles: Mapping[str, str]) -> Iterable[str]:
    counts = Counter((one.suite, one.variant, one.backend, bool(one.deviation)) for one in seen)
    rows = sorted({key[:2] for key in counts}, key=lambda row: (SUITES.index(row[0]), row[1]))
    yield f"| suite | {' | '.join(titles.values())} |"
    yield f"| --- {'| ---: ' * len(titles)}|"
    for suite, variant in rows:
        cells = (
            _cell(counts[suite, variant, backend, False], counts[suite, variant, backend, True])
            for backend in titles
        )
        yield f"| {suite}{variant and f', {variant}'} | {' | '.join(cells)} |"


def _cell(passed: int, failed: int) -> str:
    return f"{passed} + {failed}" if failed else str(passed or "")


def _deviations(seen: Iterable[Checked], titles: Mapping[str, str]) -> Iterable[str]:
    told = sorted(
        {
            (BACKENDS.index(one.backend), SUITES.index(one.suite), one.deviation, one.named)
            for one in seen
            if one.deviation
        }
    )
    yield "| backend | suite | why | tests |"
    yield "| --- | --- | --- | --- |"
    for (backend, suite, why), group in groupby(told, key=itemgetter(0, 1, 2)):
        tests = ", ".join(f"`{test}`" for *_, test in group)
        yield f"| {titles[BACKENDS[backend]]} | {SUITES[suite]} | {why} | {tests} |"


def _properties() -> Iterable[str]:
    yield "| of | holds | cases |"
    yield "| --- | --- | ---: |"
    for one in PROPERTIES:
        yield f"| {one.subject} | {one.holds} | {one.told_cases} |"
