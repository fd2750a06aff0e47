"""The secrets are put together here, so that this file holds none."""

from __future__ import annotations

import pytest

from blackcat.application.packaging.leaks import leak

ACCESS_KEY = "AKIA" + "Q3EGRIZ7XSVLKJ5N"
SECRET_KEY = "wJalr" + "XUtnFEMIK7MDENGbPxRfiCYzzzzkeyABCDE"
BODY = "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'key = "{ACCESS_KEY}"', "an AWS access key in line 1"),
        (f"\n\nid={ACCESS_KEY.replace('AKIA', 'ASIA')}\n", "an AWS access key in line 3"),
        (f"aws_secret_access_key = {SECRET_KEY}", "an AWS secret access key in line 1"),
        (f'AWS_SECRET_ACCESS_KEY: "{SECRET_KEY}"', "an AWS secret access key in line 1"),
        (f"x\n-----BEGIN RSA PRIVATE KEY-----\n{BODY}", "a private key in line 2"),
        (f'"-----BEGIN PRIVATE KEY-----\\n{BODY}"', "a private key in line 1"),
        (f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{BODY}", "a private key in line 1"),
        ("sk-" + "proj-" + "a1B2" * 12, "an OpenAI key in line 1"),
        ("token = 'gh" + "p_" + "a1B2c3D4e5F6" * 3 + "'", "a GitHub token in line 1"),
    ],
)
def test_a_secret_is_found_and_not_told(text: str, kind: str) -> None:
    assert leak(text.encode()) == kind


@pytest.mark.parametrize(
    "text",
    [
        'key = "AKIAIOSFODNN7EXAMPLE"',
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        'if text.startswith("-----BEGIN PRIVATE KEY-----"):',
        "aws_secret_access_key: str = settings.key",
        "AKIAsomething",
        "sk-learn sk_test_1",
        "data:image/png;base64,AKIA" + "A" * 60,
    ],
)
def test_what_only_looks_like_one_passes(text: str) -> None:
    assert leak(text.encode()) is None


def test_bytes_that_are_no_text_pass() -> None:
    assert leak(bytes(range(256)) * 100) is None
