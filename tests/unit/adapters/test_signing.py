"""Signatures, against AWS's own test vectors and against botocore.

The vectors in ``sigv4`` are those of AWS's Signature Version 4 test suite that need neither a query
string nor headers to be cleaned, unchanged, as botocore's source distribution carries them (tests/unit/
auth/aws4_testsuite). Copyright 2019 Amazon.com, Inc. or its affiliates, Apache License 2.0.
"""

from __future__ import annotations

import datetime
import string
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from blackcat.adapters_aws.signing import Signer, signing_key, timestamp

VECTORS = Path(__file__).with_name("sigv4")
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

words = st.text(string.ascii_letters + string.digits + "/+=-_.", min_size=1, max_size=30)
instants = st.integers(0, 4_000_000_000).map(
    lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
)


@pytest.mark.parametrize("name", sorted(path.stem for path in VECTORS.glob("*.req")))
def test_aws_would_sign_it_so(name: str) -> None:
    head, _, body = (VECTORS / f"{name}.req").read_text().partition("\n\n")
    first, *lines = head.split("\n")
    headers = sorted((line.partition(":")[0].lower(), line.partition(":")[2]) for line in lines)
    method, path, _ = first.split(" ")
    signed = Signer("us-east-1", "service").authorization(
        ACCESS_KEY,
        SECRET_KEY,
        timestamp=dict(headers)["x-amz-date"],
        path=path,
        headers=headers,
        body=body.encode(),
        method=method,
    )
    assert signed == (VECTORS / f"{name}.authz").read_text()


@given(
    access_key=words,
    secret_key=words,
    token=st.none() | words,
    region=words,
    extra=words,
    body=st.binary(),
    instant=instants,
)
def test_botocore_would_sign_it_so(
    access_key: str,
    secret_key: str,
    token: str | None,
    region: str,
    extra: str,
    body: bytes,
    instant: datetime.datetime,
) -> None:
    when = instant.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": "sqs.example", "x-amz-date": when, "x-amz-target": extra}
    if token:
        headers["x-amz-security-token"] = token
    request = AWSRequest("POST", "https://sqs.example/", headers=headers, data=body)
    request.context["timestamp"] = when
    theirs = SigV4Auth(Credentials(access_key, secret_key, token), "sqs", region)
    signature = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    ours = Signer(region, "sqs").authorization(
        access_key, secret_key, timestamp=when, path="/", headers=sorted(headers.items()), body=body
    )
    assert ours.endswith(f"Signature={signature}")
    assert ours.startswith(f"AWS4-HMAC-SHA256 Credential={theirs.scope(request)}, ")


@given(instants)
def test_times_are_spelt_in_utc(instant: datetime.datetime) -> None:
    assert timestamp(instant.timestamp()) == instant.strftime("%Y%m%dT%H%M%SZ")


def test_a_key_is_derived_once_a_day() -> None:
    signing_key.cache_clear()
    signer = Signer("us-east-1", "sqs")
    for when in ("20250101T000000Z", "20250101T235959Z", "20250102T000000Z"):
        headers = [("host", "sqs.example"), ("x-amz-date", when)]
        signer.authorization("a", "s", timestamp=when, path="/", headers=headers, body=b"")
    assert signing_key.cache_info().misses == 2
