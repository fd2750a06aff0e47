"""No real AWS account is ever touched: which addresses dev uses, and what its services see of AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from blackcat.errors import ConfigurationError

# https://docs.aws.amazon.com/general/latest/gr/rande.html, with the partitions of China, Europe and the US
_AWS_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "amazonwebservices.com.cn",
    "api.aws",
    "c2s.ic.gov",
    "on.aws",
    "sc2s.sgov.gov",
)
# What leads boto3 to credentials, to an account or to another address.
# https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
_LEADING_TO_AN_ACCOUNT = re.compile(
    r"AWS_((DEFAULT_)?PROFILE|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CREDENTIAL_\w+"
    r"|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_\w+"
    r"|USE_FIPS_ENDPOINT|USE_DUALSTACK_ENDPOINT|IGNORE_CONFIGURED_ENDPOINT_URLS)"
)
# Empty, these would be read all the same: as a profile without a name, as a time that is none.
_HARMLESS = {
    "AWS_PROFILE": "default",
    "AWS_DEFAULT_PROFILE": "default",
    "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z",
}


def checked_endpoint(variable: str, url: str) -> str:
    """The address, if it is one and not AWS's own. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"{variable} is no address: write it as http://127.0.0.1:4566, or leave it out for the "
            "embedded emulator"
        )
    if _is_of_aws(host):
        raise ConfigurationError(
            f"{variable} leads to a real AWS account ({host}), which `blackcat dev` never touches: unset it "
            "for the embedded emulator, or set it to an emulator of your own"
        )
    return url


def check_broker(url: str) -> None:
    """Raises ConfigurationError when the address is that of an Amazon MQ."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if _is_of_aws(host):
        raise ConfigurationError(
            f"RABBITMQ_URL leads to a real AWS account ({host}), where queues are created by a script of "
            "your own: set it to a RabbitMQ for development"
        )


def _is_of_aws(host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in _AWS_DOMAINS)


def check_endpoints(told: Mapping[str, str]) -> None:
    """Raises ConfigurationError when any variable for an address of AWS leads to AWS itself."""
    for name, value in told.items():
        if value and (name == "AWS_ENDPOINT_URL" or name.startswith("AWS_ENDPOINT_URL_")):
            checked_endpoint(name, value)


def away_from_accounts(
    environment: Mapping[str, str], dotenv: Mapping[str, str], *, empty_config: str
) -> dict[str, str]:
    """The environment without anything that leads to an account, even where an .env file says so.

    A service reads the .env files itself, without overriding what is set: so what they say is set here,
    to nothing or something harmless. ``empty_config`` is an AWS configuration file that has the default
    profile only.
    """
    kept = {name: value for name, value in environment.items() if not _LEADING_TO_AN_ACCOUNT.fullmatch(name)}
    masked = {name: _HARMLESS.get(name, "") for name in dotenv if _LEADING_TO_AN_ACCOUNT.fullmatch(name)}
    return {
        **kept,
        **masked,
        "AWS_CONFIG_FILE": empty_config,
        "AWS_SHARED_CREDENTIALS_FILE": empty_config,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
