import json
import logging
import subprocess
import sys
from textwrap import dedent

import pytest

from blackcat.entrypoints.aws_lambda.not_started import told_when_not_started
from blackcat.errors import ConfigurationError, InvalidDeclaration


@pytest.mark.parametrize(
    "raised",
    [
        RuntimeError("cannot log in at https://svc:hunter2hunter2@example.com"),
        AttributeError("no password=hunter2hunter2"),
        SystemExit("password=hunter2hunter2"),
        InvalidDeclaration("password=hunter2hunter2"),
    ],
)
def test_whatever_is_raised_is_told_without_secrets_as_one_kind_of_error(raised, caplog):
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(ConfigurationError) as caught,
        told_when_not_started(),
    ):
        raise raised
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert [line.message for line in caplog.records] == ["service.not_started"]


def test_an_error_of_ours_without_secrets_keeps_its_type():
    with pytest.raises(InvalidDeclaration, match="no such thing"), told_when_not_started():
        raise InvalidDeclaration("no such thing")


def test_an_attribute_error_of_the_project_does_not_hide_the_default_handler(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.blackcat]\nservices = "services:services"\n')
    (tmp_path / "services.py").write_text(
        dedent(
            """
            from blackcat import Service, ServiceRegistry, ServiceType

            def run() -> None: ...
            def container(): return None.region

            nightly = Service(name="nightly", type=ServiceType.WORKER, entrypoint=run)
            services = ServiceRegistry([nightly], container=container)
            """
        )
    )
    program = dedent(
        """
        import importlib, json
        module = importlib.import_module("blackcat.entrypoints.aws_lambda")
        try:
            module.handler
        except Exception as error:
            print(json.dumps([type(error).__name__, str(error)]))
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    kind, text = json.loads(ran.stdout.splitlines()[-1])
    assert kind == "ConfigurationError"
    assert "AttributeError: 'NoneType' object has no attribute 'region'" in text
