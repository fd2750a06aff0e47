"""The command line as a whole: its help, its errors, its statuses."""

import os
import subprocess
import sys

import pytest

from blackcat.entrypoints.cli.commands import COMMANDS

HEAVY = ("boto3", "botocore", "flask", "pydantic", "pydantic_settings", "jinja2", "structlog")


def run(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "blackcat", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**_environment(), **environment},
        check=False,
        timeout=60,
    )


def _environment():
    return {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "SERVICE_NAME")}


def test_help_lists_every_command():
    done = run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_shows_an_example_and_imports_nothing_heavy(name):
    program = (
        "import sys\n"
        "from blackcat.entrypoints.cli.main import blackcat\n"
        f"try: blackcat.main([{name!r}, '--help'])\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [one for one in {HEAVY!r} if one in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "HEAVY []" in done.stdout
    assert f"blackcat {name}" in done.stdout.partition("\n")[2], "an example belongs to each help"


def test_an_unknown_command_is_a_usage_error():
    done = run("generate-servce")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "No such command 'generate-servce'" in done.stderr


def test_outside_of_a_project_it_says_how_to_get_one(tmp_path):
    done = run("services", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stdout == ""
    assert "is no Blackcat project" in done.stderr
    assert "blackcat new NAME" in done.stderr


def test_a_registry_that_does_not_load_is_told_with_its_line(tmp_path):
    services = tmp_path / "services" / "__init__.py"
    services.parent.mkdir()
    services.write_text("import os\n\nservices = undefined\n")
    done = run("services", cwd=tmp_path)
    assert done.returncode == 78
    assert "services/__init__.py:3: NameError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "1"), ("zsh", "1"), ("fish", "gen")])
def test_each_shell_gets_its_completion(shell, word):
    script = run("completion", shell)
    assert script.returncode == 0
    assert f"_BLACKCAT_COMPLETE={shell}_complete" in script.stdout
    answer = run(_BLACKCAT_COMPLETE=f"{shell}_complete", COMP_WORDS="blackcat gen", COMP_CWORD=word)
    assert "generate-service" in answer.stdout
