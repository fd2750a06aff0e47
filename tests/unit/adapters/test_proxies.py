"""Proxies, certificates and endpoints as boto3 reads them, for every service and both transports."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.adapters.aws_standin import AwsStandin, aws_standin, call_every_service
from tests.unit.adapters.tiny_proxy import tiny_proxy

SERVICES = {"sts", "sqs", "sns", "dynamodb", "events", "secretsmanager", "ssm"}
FINE = {call: [""] for call in (*SERVICES, "sqs over lean")}
BASIC = "Basic dXNlcjpwYXNz"  # user:pass


@pytest.fixture
def standin() -> Iterator[AwsStandin]:
    with aws_standin() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for AWS's names in eu-west-1 and for 127.0.0.1, signed by nobody else, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aws.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [
        x509.DNSName("*.eu-west-1.amazonaws.com"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture(scope="module")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("ignored", [False, True], ids=["no endpoint", "ignored endpoint"])
def test_aws_itself_is_reached_through_a_tunnel(
    certificate: Path, tls: ssl.SSLContext, ignored: bool
) -> None:
    """AWS's own addresses, over TLS that the proxy does not see into, trusted by AWS_CA_BUNDLE."""
    elsewhere = {
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1",
    }
    with aws_standin(tls) as aws, tiny_proxy(aws.server_port) as proxy:
        told = call_every_service(
            HTTPS_PROXY=f"http://user:pass@{proxy.address}",
            AWS_CA_BUNDLE=str(certificate),
            **(elsewhere if ignored else {}),
        )
        assert told["problems"] == FINE
        assert set(proxy.asked) == {f"{service}.eu-west-1.amazonaws.com:443" for service in SERVICES}
        assert proxy.passwords == {BASIC}


def test_a_proxy_takes_plain_requests(standin: AwsStandin) -> None:
    with tiny_proxy(standin.server_port) as proxy:
        told = call_every_service(
            AWS_ENDPOINT_URL="http://aws.example:4566",
            HTTP_PROXY=f"http://user:pass@{proxy.address}",
        )
        assert told["problems"] == FINE
        assert set(proxy.asked) == {"http://aws.example:4566/"}
        assert proxy.passwords == {BASIC}
    assert set(standin.connections) == SERVICES


def test_no_proxy_is_asked_where_none_is_wanted(standin: AwsStandin) -> None:
    told = call_every_service(
        AWS_ENDPOINT_URL=standin.url,
        HTTP_PROXY="http://127.0.0.1:1",
        NO_PROXY="example.com,127.0.0.1",
    )
    assert told["problems"] == FINE


def test_a_proxy_that_is_reached_over_tls_is_left_to_boto3(certificate: Path, tls: ssl.SSLContext) -> None:
    with aws_standin(tls) as aws, tiny_proxy(aws.server_port, tls) as proxy:
        told = call_every_service(
            HTTPS_PROXY=f"https://{proxy.address}",
            AWS_CA_BUNDLE=str(certificate),
            SSL_CERT_FILE=str(certificate),  # whom botocore believes to be the proxy
        )
        assert told["problems"] == FINE
        assert "sqs.eu-west-1.amazonaws.com:443" in proxy.asked
    (warning,) = told["warnings"]
    assert "sqs.lean_not_used" in warning
    assert "SQS_TRANSPORT=boto3" in warning


# Endpoints

ELSEWHERE = {"sqs": "SQS", "events": "EVENTBRIDGE", "secretsmanager": "SECRETS_MANAGER"}


def test_a_service_may_have_an_address_of_its_own(standin: AwsStandin) -> None:
    with aws_standin() as other:
        own = {f"AWS_ENDPOINT_URL_{name}": other.url for name in ELSEWHERE.values()}
        told = call_every_service(AWS_ENDPOINT_URL=standin.url, **own)
        assert told["problems"] == FINE
        assert set(other.connections) == set(ELSEWHERE)
        assert set(standin.connections) == SERVICES - set(ELSEWHERE)


def test_a_profile_may_say_where_services_are(standin: AwsStandin, tmp_path: Path) -> None:
    with aws_standin() as other:
        own = "\n".join(f"{name.lower()} =\n    endpoint_url = {other.url}" for name in ELSEWHERE.values())
        config = tmp_path / "config"
        config.write_text(
            f"[profile there]\nservices = mine\nendpoint_url = {standin.url}\n[services mine]\n{own}\n"
        )
        told = call_every_service(AWS_CONFIG_FILE=str(config), AWS_PROFILE="there")
        assert told["problems"] == FINE
        assert set(other.connections) == set(ELSEWHERE)
        assert set(standin.connections) == SERVICES - set(ELSEWHERE)
