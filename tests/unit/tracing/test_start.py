import pytest

from blackcat import Service, ServiceType, Settings
from blackcat.application.tracing import tracing
from blackcat.entrypoints.traces import start_tracing
from blackcat.errors import ConfigurationError
from blackcat.infra.settings.configuration import export_otel_variables
from blackcat.infra.tracing.export import exporter

JOB = Service(name="job", type=ServiceType.WORKER, entrypoint="jobs:job")


def test_it_is_off_unless_it_is_asked_for(monkeypatch):
    monkeypatch.delenv("TRACING", raising=False)
    start_tracing(JOB, Settings())
    assert not tracing.enabled


def test_opentelemetry_s_variables_may_stand_in_env_files(monkeypatch, tmp_path):
    # Set and taken away, so that what the file says is forgotten after the test.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    (tmp_path / ".env").write_text("OTEL_EXPORTER_OTLP_PROTOCOL=http/json\n")
    monkeypatch.chdir(tmp_path)
    export_otel_variables()
    with pytest.raises(ConfigurationError, match="not http/json"):
        exporter()
