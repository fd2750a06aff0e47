"""No real AWS account is touched, however the machine is set up."""

import pytest

from blackcat.application.dev.account import (
    away_from_accounts,
    check_broker,
    check_endpoints,
    checked_endpoint,
)
from blackcat.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4566",
        "http://localhost:4566/",
        "https://localstack.company.example:443",
        "http://[::1]:4566",
        "http://myamazonaws.com",  # of somebody else's
        "http://amazonaws.com.example:4566",
    ],
)
def test_emulators_pass(url):
    assert checked_endpoint("AWS_ENDPOINT_URL", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.eu-west-1.amazonaws.com",
        "https://SQS.EU-WEST-1.AMAZONAWS.COM:443/",
        "https://sqs.eu-west-1.amazonaws.com./",
        "https://user@amazonaws.com",
        "https://127.0.0.1@sqs.us-east-1.amazonaws.com",
        "https://sqs.cn-north-1.amazonaws.com.cn",
        "https://sqs.eu-west-1.api.aws",
        "https://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com",
        "https://sqs.eusc-de-east-1.amazonaws.eu",
    ],
)
def test_aws_itself_is_refused_by_name(url):
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL leads to a real AWS account"):
        checked_endpoint("AWS_ENDPOINT_URL", url)


@pytest.mark.parametrize("url", ["localhost:4566", "127.0.0.1", "ftp://x", "http://", "http://[::1", "  "])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigurationError, match="is no address"):
        checked_endpoint("AWS_ENDPOINT_URL", url)


def test_every_variable_for_an_address_is_checked_and_empty_ones_are_none():
    check_endpoints({"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1", "OTHER": "x"})
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL_DYNAMODB leads"):
        check_endpoints({"AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com"})


def test_an_amazon_mq_is_refused():
    check_broker("amqp://guest:guest@localhost:5672/")
    check_broker("amqp://guest:guest@rabbitmq/%2F")
    for host in ("b-1234.mq.eu-west-1.amazonaws.com", "b-1234.mq.eu-west-1.on.aws"):
        with pytest.raises(ConfigurationError, match="RABBITMQ_URL leads to a real AWS account") as caught:
            check_broker(f"amqps://user:s3cret@{host}:5671")
        assert "s3cret" not in str(caught.value)


CREDENTIALS = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_CREDENTIAL_EXPIRATION": "2026-01-01T00:00:00Z",
    "AWS_CONFIG_FILE": "/home/x/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/x/.aws/credentials",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/v2",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
}


def test_credentials_of_the_shell_are_left_out_and_the_rest_stays():
    rest = {"PATH": "/bin", "AWS_DRY_RUN": "true", "AWS_ACCOUNT_ID": "123", "AWS_BUCKET": "b"}
    left = away_from_accounts({**CREDENTIALS, **rest}, {}, empty_config="/empty")
    assert left == {
        **rest,
        "AWS_CONFIG_FILE": "/empty",
        "AWS_SHARED_CREDENTIALS_FILE": "/empty",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_credentials_of_env_files_are_covered_since_services_read_these_themselves():
    left = away_from_accounts({}, {**CREDENTIALS, "SHOP": "open"}, empty_config="/empty")
    assert set(left) == {*CREDENTIALS, "AWS_EC2_METADATA_DISABLED"}
    assert not [name for name, value in left.items() if value == CREDENTIALS.get(name)]
