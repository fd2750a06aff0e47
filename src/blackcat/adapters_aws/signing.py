"""AWS Signature Version 4, for requests that carry everything in their headers and body."""

from __future__ import annotations

import functools
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

_ALGORITHM = "AWS4-HMAC-SHA256"
# One key a day for each secret: the last one still serves calls that began before midnight.
_KEYS_KEPT = 8


@dataclass(frozen=True)
class Signer:
    """Signs requests to one service in one region.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    region: str
    service: str

    def authorization(
        self,
        access_key: str,
        secret_key: str,
        *,
        timestamp: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        method: str = "POST",
    ) -> str:
        """The Authorization header.

        ``headers`` are all headers that are signed: names in lower case and in order, values trimmed,
        ``host`` and ``x-amz-date`` (the ``timestamp``) among them. ``path`` is encoded already.
        """
        names = ";".join([name for name, _ in headers])
        lines = "".join([f"{name}:{value}\n" for name, value in headers])
        request = f"{method}\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        date = timestamp[:8]
        scope = f"{date}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = signing_key(secret_key, date, self.region, self.service)
        signature = _keyed(key, f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}").hex()
        return f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"


def timestamp(seconds: float) -> str:
    """A time since the epoch as signatures spell it: ``20150830T123600Z``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


@functools.lru_cache(maxsize=_KEYS_KEPT)
def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = _keyed(key, part)
    return key


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
