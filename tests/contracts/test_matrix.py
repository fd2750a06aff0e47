"""The page on suites and backends tells what this run checks."""

from __future__ import annotations

import pytest

from blackcat.testing import contracts
from contracts.deviations import DEVIATIONS
from contracts.matrix import FOLDER, PAGE, SUITES, Checked, is_whole, told_version_of_rabbitmq, written_anew


@pytest.fixture
def whole(request: pytest.FixtureRequest, collected: list[Checked]) -> list[Checked]:
    """What was collected, when it was all of the folder."""
    if not is_whole(request.config):
        pytest.skip(f"the page is held against a run of the whole folder: pytest {FOLDER}")
    return collected


def test_the_page_tells_what_this_run_checks(whole: list[Checked], request: pytest.FixtureRequest) -> None:
    """Each of them passes, or fails as told: else this run fails anyway."""
    if request.config.getoption("matrix", None):
        pytest.skip("the page is being written")
    written = PAGE.read_text()
    anew = written_anew(written, whole, told_version_of_rabbitmq(written))
    assert written == anew, "`make matrix` writes it anew"


def test_every_deviation_is_one_of_a_test_that_runs(whole: list[Checked]) -> None:
    told = {
        (suite, backend, test)
        for suite, backends in DEVIATIONS.items()
        for backend, tests in backends.items()
        for test in tests
    }
    assert told == {(one.suite, one.backend, one.named) for one in whole if one.deviation}


def test_every_public_suite_runs_here() -> None:
    # Metrics are written by backends of our own: no emulator has a say in them. Lambda has one emulator only,
    # and docs/en/lambda-deploy.md says what that does otherwise.
    assert set(contracts.__all__) - {"MetricsContract", "FunctionsContract"} <= set(SUITES)
