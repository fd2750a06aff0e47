"""`blackcat new --layout lambda` as users meet it: from the wheel, in an empty folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from installation import CHECKS, Installed, installed_wheel

# Its other tests are those of examples/neoapp_banner, which run there.
UNIT_TESTS = ("python", "-m", "pytest", "-q", "src/tests/unit")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed_wheel(tmp_path_factory.mktemp("installed"))


def check(installed: Installed, project: Path, tests: tuple[str, ...]) -> None:
    for command in (tests, CHECKS["style"], CHECKS["format"], CHECKS["types"]):
        done = installed.run(*command, cwd=project)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_a_project_with_operations_of_ones_own_passes_its_checks(
    installed: Installed, tmp_path: Path
) -> None:
    name = ("generic_send_email", "--layout", "lambda", "--empty", "send-email")
    done = installed.run("blackcat", "new", *name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    project = tmp_path / "generic_send_email"
    done = installed.run("blackcat", "generate-operation", "refund", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    done = installed.run("python", "-m", "src.core.mew.generate", "cancelOrder", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    check(installed, project, UNIT_TESTS)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_whole_project_with_one_more_operation_passes_its_checks(
    installed: Installed, tmp_path: Path
) -> None:
    """As examples/neoapp_banner, which is checked each time, but from the wheel."""
    installed.run("blackcat", "new", "neoapp_genia_voice", "--layout", "lambda", cwd=tmp_path)
    project = tmp_path / "neoapp_genia_voice"
    installed.run("blackcat", "generate-operation", "refund", cwd=project)
    check(installed, project, CHECKS["tests"])


def test_its_tests_notice_broken_rules_and_operations_that_do_nothing(
    installed: Installed, tmp_path: Path
) -> None:
    name = ("generic_send_email", "--layout", "lambda", "--empty", "send-email")
    installed.run("blackcat", "new", *name, cwd=tmp_path)
    project = tmp_path / "generic_send_email"
    for module, line, stands_for in (
        ("domain/operations/send_email_operations.py", "if wanted.reference.lower() == _TRIAL:", "if False:"),
        ("domain/commands/send_email_commands.py", "return operations.send_email(wanted)", "return None"),
        (
            "core/mew/jobs.py",
            "from blackcat import Jobs",
            "from blackcat import Jobs\nfrom ... import domain",
        ),
    ):
        path = project / "src" / module
        assert line in path.read_text()
        path.write_text(path.read_text().replace(line, stands_for))
    units = [f"src/tests/unit/{name}" for name in ("domain", "endpoint/routes", "test_rules.py")]
    done = installed.run("python", "-m", "pytest", "-q", *units, cwd=project)
    assert done.returncode == 1
    assert re.search(r"src/core/mew/jobs.py:\d+ imports domain: core knows no business rule", done.stdout)
    for test in (
        "domain/operations/test_send_email_operations.py::test_a_trial_is_refused",
        "domain/commands/test_send_email_commands.py::test_one_that_is_refused_comes_back_alone",
        "endpoint/routes/send_email/test_send_email_routes.py::test_a_refusal_is_answered_with_its_reason",
    ):
        assert f"FAILED src/tests/unit/{test}" in done.stdout


def test_config_and_doctor_know_the_layout(installed: Installed, tmp_path: Path) -> None:
    name = ("generic_send_email", "--layout", "lambda", "--empty", "send-email")
    installed.run("blackcat", "new", *name, cwd=tmp_path)
    project = tmp_path / "generic_send_email"
    (project / "src/.env").write_text(
        "OPENAI_API_KEY=sk-of-this-machine\nPAGARME_API_KEY=ak-1\nAWS_REGION=us-east-1\n"
    )
    done = installed.run("blackcat", "config", "--json", cwd=project / "src/core")
    assert done.returncode == 0, done.stderr
    shown = {one["variable"]: one for one in json.loads(done.stdout)}
    assert shown["OPENAI_API_KEY"]["value"] == "***"
    assert shown["OPENAI_API_KEY"]["source"] == "src/.env"
    done = installed.run("blackcat", "doctor", cwd=project)
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n")
    jobs = project / "src/core/mew/jobs.py"
    jobs.write_text(jobs.read_text().replace('"send_email"', '"send_mail"'))
    done = installed.run("blackcat", "doctor", cwd=project)
    assert done.returncode == 1
    assert "job 'send_mail' runs command 'send_mail', which is not there" in " ".join(done.stdout.split())


def test_a_wrong_name_ends_with_the_status_of_configuration(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("blackcat", "new", "Neoapp", "--layout", "lambda", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.endswith("both parts, such as neoapp_send_email\n")
