"""What OpenTelemetry's own variables say, looked at before its SDK falls back to something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from blackcat.errors import ConfigurationError
from blackcat.infra.redaction import redactor

_OTLP = ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")
_PROTOCOL = "http/protobuf"
_COMPRESSIONS = ("none", "gzip", "deflate")
# https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
_SAMPLERS = ("always_on", "always_off", "traceidratio")
_SAMPLER, _SAMPLER_ARG = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_BATCHES = ("SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE")
_LONGEST_SECONDS = 86_400
# What is shorter is a word, unless the name that it stands under says that it is none.
_LONG = 16


def check_variables(environ: Mapping[str, str]) -> None:
    """Raises ConfigurationError with what to write instead."""
    _check_where_to(environ)
    _check_sampler(environ)
    for name in (f"OTEL_BSP_{what}" for what in _BATCHES):
        if (value := environ.get(name)) and not (value.strip().isdecimal() and int(value)):
            raise ConfigurationError(f"{name} is {value!r}: write a whole number above 0")


def secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """The keys of a tracing service: in headers, as ``api-key=...,other=Basic%20...``, or in its address.

    Some of their names tell nothing, and others lead to plain words: a name of a data set, say, which
    masked would be missing all over the logs.
    """
    for prefix in _OTLP:
        for header in re.split(r"\s*,\s*", environ.get(f"{prefix}HEADERS", "")):
            name, _, value = header.partition("=")
            plain = unquote(value).strip()
            if _is_secret(name, plain):
                yield from (value.strip(), plain, plain.rpartition(" ")[2])
        try:
            address = urlsplit(environ.get(f"{prefix}ENDPOINT", ""))
        except ValueError:
            continue
        yield from (value for name, value in parse_qsl(address.query) if _is_secret(name, value))
        if address.password:
            yield from (address.password, unquote(address.password))


def _check_where_to(environ: Mapping[str, str]) -> None:
    for name, value in _told(environ, "PROTOCOL"):
        if value != _PROTOCOL:
            raise ConfigurationError(
                f"spans are sent over {_PROTOCOL}, not {value}: unset {name}, and name the collector's port "
                "for HTTP (4318, usually) in OTEL_EXPORTER_OTLP_ENDPOINT"
            )
    for name, value in _told(environ, "ENDPOINT"):
        if not _is_address(value):
            # Not the value: a key may stand in it.
            raise ConfigurationError(f"{name} is no address: write one such as http://localhost:4318")
    for name, value in _told(environ, "COMPRESSION"):
        if value.lower() not in _COMPRESSIONS:
            raise ConfigurationError(f"{name} is {value!r}: write one of {', '.join(_COMPRESSIONS)}")
    for name, value in _told(environ, "TIMEOUT"):
        if not _is_number(value, most=_LONGEST_SECONDS):
            raise ConfigurationError(f"{name} is {value!r}: write a number of seconds")


def _check_sampler(environ: Mapping[str, str]) -> None:
    sampler = environ.get(_SAMPLER, "").lower()
    plain = sampler.removeprefix("parentbased_")
    if sampler and plain not in _SAMPLERS:
        known = [f"{prefix}{name}" for prefix in ("", "parentbased_") for name in _SAMPLERS]
        raise ConfigurationError(f"{_SAMPLER} is {sampler!r}: write one of {', '.join(known)}")
    share = environ.get(_SAMPLER_ARG, "")
    if plain == "traceidratio" and not _is_number(share, most=1):
        raise ConfigurationError(f"{_SAMPLER_ARG} is {share!r}: write the share of traces to keep, 0 to 1")


def _told(environ: Mapping[str, str], what: str) -> Iterator[tuple[str, str]]:
    """The one that counts: that of traces goes first."""
    for name in (f"{prefix}{what}" for prefix in _OTLP):
        if value := environ.get(name, "").strip():
            yield name, value
            return


def _is_address(value: str) -> bool:
    try:
        address = urlsplit(value)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def _is_number(value: str, *, most: float) -> bool:
    try:
        return 0 <= float(value) <= most
    except ValueError:
        return False


def _is_secret(name: str, value: str) -> bool:
    return len(value) >= _LONG or redactor.fields({name: value}) != {name: value}
