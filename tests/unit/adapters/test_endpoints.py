"""The lean transport calls the address that the stock client calls, wherever that is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import InvalidConfigError

from blackcat.adapters_aws.endpoints import endpoint_url
from blackcat.adapters_aws.routes import Route

PROFILES = """
[default]
services = local
[services local]
sqs =
    endpoint_url = http://127.0.0.1:7
[profile whole]
endpoint_url = http://127.0.0.1:6
[profile plain]
[profile fips]
use_fips_endpoint = true
"""
PLAIN = {"AWS_PROFILE": "plain"}


class _Empty:
    def stream(self) -> Iterator[bytes]:
        return iter([b"{}"])


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str]) -> Any:
    """A botocore session that knows of AWS what the test says."""
    file = tmp_path / "config"
    file.write_text(PROFILES)
    known = {
        "AWS_CONFIG_FILE": str(file),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**known, **variables}.items():
        monkeypatch.setenv(name, value)
    return botocore.session.get_session()


@pytest.mark.parametrize(
    "variables",
    [
        PLAIN,
        {**PLAIN, "AWS_USE_FIPS_ENDPOINT": "true"},
        {**PLAIN, "AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {**PLAIN, "AWS_ENDPOINT_URL": "http://127.0.0.1:9/path"},
        {**PLAIN, "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:8"},
        {},
        {"AWS_PROFILE": "whole"},
        {"AWS_PROFILE": "fips"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    ],
    ids=[
        "plain",
        "fips",
        "dual stack",
        "variable",
        "variable of sqs",
        "both variables",
        "services of a profile",
        "address of a profile",
        "fips of a profile",
        "ignored",
    ],
)
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_the_address_is_the_one_that_the_stock_client_calls(session: Any, region: str) -> None:
    called: list[AWSRequest] = []

    def answer(request: AWSRequest, **_: Any) -> AWSResponse:
        called.append(request)
        return AWSResponse(request.url, 200, {}, _Empty())

    found = Route(endpoint_url(session, "sqs", region), ca_bundle=None, connect_timeout=1)
    stock = session.create_client("sqs", region_name=region)
    stock.meta.events.register("before-send.sqs", answer)
    stock.receive_message(QueueUrl="https://example/q")
    assert called[0].url.partition("://")[2] == found.host + found.target
    assert f"/{region}/sqs/aws4_request" in called[0].headers["Authorization"].decode()


@pytest.mark.parametrize("variables", [PLAIN])
@pytest.mark.parametrize("region", ["us-west-2-fips", "fips-us-west-2"])
def test_a_pseudo_region_is_refused_with_what_to_set(session: Any, region: str) -> None:
    with pytest.raises(InvalidConfigError, match="AWS_REGION=us-west-2 and AWS_USE_FIPS_ENDPOINT=true"):
        endpoint_url(session, "sqs", region)
