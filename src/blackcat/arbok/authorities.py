"""Which certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

# Where distributions keep them: a driver that brings its own OpenSSL looks elsewhere.
_PLACES = (
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, as on Lambda
    "/etc/ssl/certs/ca-certificates.crt",  # Debian
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


def trusted(ca_file: str | None) -> str:
    """The file of those authorities; of all that the system trusts when none is named."""
    if ca_file:
        return ca_file
    places = (ssl.get_default_verify_paths().cafile, *_PLACES)
    return next((place for place in places if place and Path(place).is_file()), "system")
