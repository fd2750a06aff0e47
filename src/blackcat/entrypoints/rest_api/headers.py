"""The headers that every answer carries, unless the project set them itself."""

from __future__ import annotations

from typing import Any

# Nothing that an API answers is to be rendered, framed, guessed at or kept by a browser.
# https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
_NAMES = tuple((name.lower(), (name, value)) for name, value in _ALWAYS)
# A year. Browsers heed it on HTTPS only, and no balancer adds it by itself.
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def complete(headers: list[tuple[str, str]], environ: dict[str, Any], request_id: str) -> None:
    """Add what is missing, in place."""
    present = {name.lower() for name, _ in headers}
    if "x-request-id" not in present:
        headers.append(("X-Request-Id", request_id))
    for lower, header in _NAMES:
        if lower not in present:
            headers.append(header)
    if _is_https(environ) and "strict-transport-security" not in present:
        headers.append(_HTTPS_ONLY)


def _is_https(environ: dict[str, Any]) -> bool:
    # Set by a balancer; a client that lies about it tells itself to use HTTPS.
    return environ.get("HTTP_X_FORWARDED_PROTO") == "https" or environ.get("wsgi.url_scheme") == "https"
