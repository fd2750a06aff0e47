from __future__ import annotations

import json
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from blackcat.application.rollout.ports import Alias, Configuration, Version
from blackcat.application.rollout.rollout import Deployed
from blackcat.errors import BlackcatError
from blackcat.infra.packaging.records import commit_of, is_changed, record_of, write_record

CONFIGURATION = Configuration(
    "python3.12", "arm64", "src.main.main", 256, 3, {"TOKEN": "canary-9"}, ("arn:1",)
)
DEPLOYED = Deployed(Alias("hom", "7", "6", "r"), Version("7", "r", "ab" * 32, CONFIGURATION))
WHEN = datetime(2030, 1, 1, tzinfo=timezone.utc)


def test_a_record_tells_where_the_alias_is_and_no_value_of_a_variable(tmp_path: Path) -> None:
    record = record_of("send_email", DEPLOYED, release=None, commit="c0ffee", changed=True, when=WHEN)
    path = write_record(tmp_path, record)
    told = json.loads(path.read_text())
    assert path == tmp_path / "deployments" / "hom.json"
    assert (told["version"], told["previous"], told["by"]) == ("7", "6", "rollback")
    assert (told["commit"], told["uncommitted_changes"]) == ("c0ffee", True)
    assert told["when"] == "2030-01-01T00:00:00+00:00"
    assert "canary" not in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["hom.json"]


def test_a_record_that_cannot_be_written_says_where_the_alias_is(tmp_path: Path) -> None:
    (tmp_path / "deployments").touch()
    record = record_of("send_email", DEPLOYED, release=None, commit=None, changed=None, when=WHEN)
    with pytest.raises(BlackcatError, match=r"the alias is at version 7, .*run it again: all that is left"):
        write_record(tmp_path, record)


def test_the_pipeline_tells_the_commit_before_git_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    assert (commit_of(tmp_path), is_changed(tmp_path)) == (None, None)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], cwd=tmp_path, check=True)
    assert len(commit_of(tmp_path) or "") == 40
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "hom.json").touch()
    assert is_changed(tmp_path) is False
    (tmp_path / "main.py").touch()
    assert is_changed(tmp_path) is True
    monkeypatch.setenv("CI_COMMIT_SHA", "c0ffee")
    assert commit_of(tmp_path) == "c0ffee"
