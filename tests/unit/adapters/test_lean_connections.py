"""Connections of the lean transport: reused, shared by threads, over TLS, through proxies."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, InvalidConfigError, ProxyConnectionError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.adapters.conftest import HANG_UP, LastWords, ScriptedServer, reply

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.clients import client
from blackcat.adapters_aws.lean import LeanSqs
from blackcat.errors import ConfigurationError

Make = Callable[..., Any]

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
GOOD = reply({})
ROLE_TAKEN = reply(
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
    "<AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    "<SessionToken>token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
)


def received(lean: LeanSqs) -> int:
    status: int = lean.receive_message(QueueUrl=URL)["ResponseMetadata"]["HTTPStatusCode"]
    return status


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Reuse


def test_one_thread_keeps_to_one_connection(server: ScriptedServer, lean: Make) -> None:
    server.replies += [GOOD] * 20
    transport = lean(server.url)
    for _ in range(20):
        received(transport)
    assert server.connections == 1


def test_a_refusal_does_not_cost_the_connection(server: ScriptedServer, lean: Make) -> None:
    server.replies += [reply("", status=500), GOOD]
    received(lean(server.url))
    assert server.connections == 1


@pytest.mark.parametrize(
    "last",
    [
        reply({}, Connection="close"),
        GOOD + b"HTTP/1.1 200 OK\r\n",
        LastWords(b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\n\r\n{}"),
    ],
    ids=["said so", "said too much", "ended so"],
)
def test_a_connection_is_left_when_nothing_can_follow(
    server: ScriptedServer, lean: Make, last: bytes
) -> None:
    server.replies += [last, GOOD]
    transport = lean(server.url)
    assert received(transport) == received(transport) == 200
    assert server.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_not_used(
    server: ScriptedServer, lean: Make, slept: list[float]
) -> None:
    server.replies += [LastWords(GOOD), GOOD]
    transport = lean(server.url)
    received(transport)
    server.closed.acquire()
    received(transport)
    assert (server.connections, slept) == (2, [])


def test_threads_share_connections_and_never_a_reply(server: ScriptedServer, lean: Make) -> None:
    server.echo = True
    transport = lean(server.url, max_pool_connections=8)

    def ids(name: str) -> bool:
        answers = [
            transport.send_message(QueueUrl=URL, MessageBody=f"{name}-{number}")["MessageId"]
            for number in range(50)
        ]
        return answers == [f"{name}-{number}" for number in range(50)]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ids, "abcdefgh"))
    assert server.connections <= 8


def test_no_more_connections_are_kept_than_the_pool_holds(server: ScriptedServer, lean: Make) -> None:
    server.together = threading.Barrier(4)
    server.replies += [GOOD] * 4
    transport = lean(server.url, max_pool_connections=2)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: received(transport), range(4)))
    assert server.connections == 4
    for _ in range(2):
        server.closed.acquire()
    assert not server.closed.acquire(blocking=False)


def test_a_closed_port_is_told(lean: Make, slept: list[float]) -> None:
    with pytest.raises(EndpointConnectionError):
        received(lean(f"http://127.0.0.1:{closed_port()}"))
    assert len(slept) == 2


def test_a_name_that_is_nowhere_is_told(lean: Make) -> None:
    with pytest.raises(EndpointConnectionError):
        received(lean("http://nowhere.invalid"))


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but itself has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sqs.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def secure(serve: Make, certificate: Path) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running: ScriptedServer = serve(context)
    return running


def test_a_certificate_that_nobody_signed_is_refused(secure: ScriptedServer, lean: Make) -> None:
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        received(lean(secure.url))
    assert secure.requests == []


def test_a_trusted_certificate_is_taken(secure: ScriptedServer, lean: Make, certificate: Path) -> None:
    secure.replies += [GOOD, GOOD]
    transport = lean(secure.url, ca_bundle=str(certificate))
    assert received(transport) == received(transport) == 200
    assert secure.connections == 1


def test_a_trusted_certificate_of_another_host_is_refused(
    secure: ScriptedServer, lean: Make, certificate: Path
) -> None:
    with pytest.raises(SSLError, match="localhost"):
        received(lean(secure.url.replace("127.0.0.1", "localhost"), ca_bundle=str(certificate)))
    assert secure.requests == []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_environment_says_whom_to_trust(secure: ScriptedServer, certificate: Path, variable: str) -> None:
    secure.replies.append(GOOD)
    program = (
        "from blackcat.adapters_aws import AwsOptions\n"
        "from blackcat.adapters_aws.calls import AwsCalls\n"
        f"options = AwsOptions(region='eu-west-1', endpoint_url={secure.url!r}, sqs_transport='lean')\n"
        "AwsCalls('sqs', options).read('ReceiveMessage', 'orders', QueueUrl='q')\n"
    )
    ended = _run(program, {variable: str(certificate)})
    assert ended.returncode == 0, ended.stderr
    assert len(secure.requests) == 1


def test_a_missing_bundle_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    options = AwsOptions(region="eu-west-3", endpoint_url="https://127.0.0.1:1", sqs_transport="lean")
    with pytest.raises(ConfigurationError, match="AWS_CA_BUNDLE"):
        client("sqs", options)


# Proxies


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def choose(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return choose


def test_a_proxy_takes_plain_requests(server: ScriptedServer, lean: Make, environment: Make) -> None:
    environment(HTTP_PROXY=server.url.replace("//", "//user:pass@"))
    server.replies += [GOOD, GOOD]
    transport = lean("http://sqs.example:8080")
    assert received(transport) == received(transport) == 200
    request = server.requests[0]
    assert request.target == "http://sqs.example:8080/"
    assert request.headers["host"] == "sqs.example:8080"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert server.connections == 1


def test_a_proxy_does_not_see_into_tls(
    server: ScriptedServer, secure: ScriptedServer, lean: Make, certificate: Path, environment: Make
) -> None:
    environment(HTTPS_PROXY=server.url.replace("//", "//user:pass@"))
    server.tunnel = True
    secure.replies += [GOOD, GOOD]
    transport = lean(secure.url, ca_bundle=str(certificate))
    assert received(transport) == received(transport) == 200
    (connect,) = server.requests
    assert connect.target == secure.url.removeprefix("https://")
    assert connect.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert {request.target for request in secure.requests} == {"/"}
    assert "proxy-authorization" not in secure.requests[0].headers


def test_no_proxy_is_asked_where_none_is_wanted(
    server: ScriptedServer, lean: Make, environment: Make
) -> None:
    environment(HTTP_PROXY=f"http://127.0.0.1:{closed_port()}", NO_PROXY="127.0.0.1")
    server.replies.append(GOOD)
    assert received(lean(server.url)) == 200


@pytest.mark.parametrize("answer", [reply("", status=407), HANG_UP])
def test_a_proxy_that_refuses_is_named_without_its_password(
    server: ScriptedServer, lean: Make, environment: Make, answer: bytes
) -> None:
    environment(HTTPS_PROXY=server.url.replace("//", "//user:pass@"))
    server.replies += [answer] * 3
    with pytest.raises(ProxyConnectionError) as raised:
        received(lean("https://sqs.example"))
    assert server.url.rpartition("/")[2] in str(raised.value)
    assert "pass" not in str(raised.value)


def test_a_proxy_over_tls_is_left_to_the_stock_client(lean: Make, environment: Make) -> None:
    environment(HTTPS_PROXY="https://proxy.example")
    with pytest.raises(InvalidConfigError, match="SQS_TRANSPORT=boto3"):
        lean("https://sqs.example")


# Choice


def test_who_has_not_chosen_it_does_not_load_it() -> None:
    program = (
        "import sys\n"
        "from blackcat.adapters_aws import AwsOptions, SqsBroker\n"
        "from blackcat.adapters_aws.clients import client\n"
        "client('sqs', AwsOptions(region='eu-west-1'))\n"
        "print([name for name in sys.modules if name.startswith('blackcat.adapters_aws.lean')])\n"
        "client('sqs', AwsOptions(region='eu-west-1', sqs_transport='lean'))\n"
        "client('sns', AwsOptions(region='eu-west-1', sqs_transport='lean')).publish\n"
    )
    ended = _run(program, {})
    assert ended.stdout.strip() == "[]", ended.stderr


def test_what_consumers_and_senders_call_makes_no_stock_client(server: ScriptedServer) -> None:
    server.replies += [reply({"QueueUrl": URL}), reply({"Attributes": {"VisibilityTimeout": "30"}}), GOOD]
    program = f"""
import logging, sys
logging.basicConfig(stream=sys.stdout)
logging.getLogger("botocore.loaders").setLevel(logging.DEBUG)
from blackcat.adapters_aws import AwsOptions, SqsBroker
from blackcat.adapters_aws.clients import client
options = AwsOptions(region="eu-west-1", endpoint_url={server.url!r}, sqs_transport="lean")
broker = SqsBroker(options)
broker.describe("orders")
broker.queue("orders").receive()
print("by now")
client("sqs", options).list_queues
"""
    before, _, after = _run(program, {}).stdout.partition("by now")
    assert "service-2" not in before
    assert "service-2" in after


def test_a_wrong_address_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="not an address.*AWS_ENDPOINT_URL"):
        client("sqs", AwsOptions(region="eu-west-1", endpoint_url="not an address", sqs_transport="lean"))


def test_a_wrong_region_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        client("sqs", AwsOptions(region="eu west", sqs_transport="lean"))


def test_a_role_is_taken_in_the_region_of_the_client(server: ScriptedServer, tmp_path: Path) -> None:
    """Only AWS_REGION is set, which botocore itself does not read."""
    token = tmp_path / "token"
    token.write_text("a-token")
    server.replies += [ROLE_TAKEN, GOOD]
    program = (
        "from blackcat.adapters_aws import AwsOptions\n"
        "from blackcat.adapters_aws.clients import client\n"
        "client('sqs', AwsOptions(sqs_transport='lean')).receive_message(QueueUrl='https://example/q')\n"
    )
    ended = _run(
        program,
        {
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/consumer",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        },
    )
    assert ended.returncode == 0, ended.stderr
    assert "Credential=AKIDROLE/" in server.requests[1].headers["authorization"]


def _run(program: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own, without what this machine knows of AWS."""
    kept = {name: value for name, value in os.environ.items() if "AWS" not in name and "BUNDLE" not in name}
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **credentials, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
