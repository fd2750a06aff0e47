"""One client per service, region and address, in each process."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.clients import client

OPTIONS = AwsOptions(region="us-east-1", endpoint_url="http://127.0.0.1:1")


def test_the_same_client_is_given_to_all_threads() -> None:
    options = AwsOptions(region="eu-west-1", endpoint_url="http://127.0.0.1:2")
    with ThreadPoolExecutor(16) as threads:
        clients = set(threads.map(lambda _: id(client("sqs", options)), range(64)))
    assert len(clients) == 1


@pytest.mark.parametrize(
    "other",
    [
        AwsOptions(region="eu-west-1", endpoint_url=OPTIONS.endpoint_url),
        AwsOptions(region="us-east-1", endpoint_url="http://127.0.0.1:3"),
        AwsOptions(region="us-east-1", endpoint_url=OPTIONS.endpoint_url, pool_size=30),
        AwsOptions(region="us-east-1", endpoint_url=OPTIONS.endpoint_url, attempts=1),
        AwsOptions(region="us-east-1", endpoint_url=OPTIONS.endpoint_url, read_timeout=timedelta(minutes=16)),
    ],
)
def test_another_place_has_another_client(other: AwsOptions) -> None:
    assert client("sqs", other) is not client("sqs", OPTIONS)


def test_a_dry_run_shares_the_client() -> None:
    dry = AwsOptions(region="us-east-1", endpoint_url=OPTIONS.endpoint_url, dry_run=True)
    assert client("sqs", dry) is client("sqs", OPTIONS)


def test_everything_is_set_explicitly() -> None:
    config = client("sqs", OPTIONS).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.max_pool_connections == 20
    assert config.tcp_keepalive is True


def test_a_call_may_be_given_more_time_and_a_single_attempt() -> None:
    options = AwsOptions(region="us-east-1", read_timeout=timedelta(minutes=16), attempts=1)
    config = client("lambda", options).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (config.connect_timeout, config.read_timeout) == (5, 960)


def test_a_call_that_may_not_take_long_does_not_wait_long_for_a_connection() -> None:
    config = client("sqs", AwsOptions(region="us-east-1", read_timeout=timedelta(seconds=2))).meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 2)


def test_a_forked_child_makes_its_own() -> None:
    ended = _run(
        """
import os
from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.clients import client
options = AwsOptions(region="us-east-1")
ours = client("sqs", options)
child = os.fork()
if not child:
    os._exit(7 if client("sqs", options) is not ours else 8)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), client("sqs", options) is ours)
"""
    )
    assert ended.stdout.split() == ["7", "True"], ended.stderr


def _run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own, without what this machine knows of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    without_profile = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **without_profile, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _region(**environment: str) -> subprocess.CompletedProcess[str]:
    return _run(
        "from blackcat.adapters_aws import AwsOptions\n"
        "from blackcat.adapters_aws.clients import client\n"
        "print(client('sqs', AwsOptions()).meta.region_name)",
        **environment,
    )


def test_the_region_comes_from_the_environment() -> None:
    assert _region(AWS_DEFAULT_REGION="eu-central-1").stdout.strip() == "eu-central-1"
    both = _region(AWS_DEFAULT_REGION="eu-central-1", AWS_REGION="sa-east-1")
    assert both.stdout.strip() == "sa-east-1"


def test_a_missing_region_says_what_to_set() -> None:
    ended = _region()
    assert ended.returncode == 1
    assert "ConfigurationError: no AWS region is set: set AWS_REGION" in ended.stderr


def test_a_missing_profile_is_a_configuration_error() -> None:
    ended = _region(AWS_PROFILE="nobody")
    assert "ConfigurationError" in ended.stderr
    assert "nobody" in ended.stderr


def test_the_configured_address_of_a_missing_profile_is_a_configuration_error() -> None:
    ended = _run(
        "from blackcat.adapters_aws import AwsOptions\n"
        "from blackcat.adapters_aws.clients import endpoint_url\n"
        "endpoint_url('sqs', AwsOptions())",
        AWS_PROFILE="nobody",
    )
    assert "ConfigurationError: AWS's configuration cannot be read" in ended.stderr
    assert "nobody" in ended.stderr


def test_a_wrong_address_is_a_configuration_error() -> None:
    ended = _region(AWS_REGION="us-east-1", AWS_ENDPOINT_URL="not an address")
    assert "ConfigurationError" in ended.stderr
    assert "AWS_ENDPOINT_URL" in ended.stderr
