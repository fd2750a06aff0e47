"""OpenTelemetry's variables: what makes no sense is refused at the start, in our own words."""

import pytest

from blackcat.errors import ConfigurationError
from blackcat.infra.tracing.export import exporter
from blackcat.infra.tracing.variables import check_variables, secrets


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OTEL_TRACES_SAMPLER": "foo"}, r"OTEL_TRACES_SAMPLER is 'foo': write one of always_on, .*ratio$"),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "abc"},
            "OTEL_TRACES_SAMPLER_ARG is 'abc': write the share",
        ),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10"}, "0 to 1"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "0 to 1"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "OTEL_TRACES_SAMPLER_ARG is ''"),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "foo"}, "OTLP_COMPRESSION is 'foo': write one of none, gzip"),
        ({"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "foo"}, "TRACES_COMPRESSION is 'foo'"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "not a url"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no address"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "no address: write one such as http://"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a:99999"}, "TRACES_ENDPOINT is no address"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://["}, "no address"),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "OTEL_EXPORTER_OTLP_TIMEOUT is 'soon'"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "0.5"}, "OTEL_BSP_SCHEDULE_DELAY is '0.5': write a whole number"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-1"}, "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(monkeypatch, variables, told):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=told):
        exporter()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_TRACES_SAMPLER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_BSP_SCHEDULE_DELAY": ""},
        {"OTEL_TRACES_SAMPLER": "Always_Off", "OTEL_TRACES_SAMPLER_ARG": "unread"},
        {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://[::1]:4318/v1?api-key=x", "OTEL_BSP_SCHEDULE_DELAY": "50"},
        {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_COMPRESSION": "unread"},
    ],
)
def test_what_makes_sense_is_taken(variables):
    check_variables(variables)


def test_a_key_in_the_address_is_a_secret():
    address = "https://me:p%40ss-of-it@collector/v1?api-key=ab12&dataset=shop&k=abcdefgh12345678"
    assert set(secrets({"OTEL_EXPORTER_OTLP_ENDPOINT": address})) == {
        "p%40ss-of-it",
        "p@ss-of-it",
        "ab12",
        "abcdefgh12345678",
    }
