"""Where a client's calls go, in words."""

from __future__ import annotations

from urllib.parse import urlsplit

from blackcat.adapters_aws.accounts import account_id
from blackcat.adapters_aws.clients import AwsOptions, client
from blackcat.errors import RemoteError

# https://docs.aws.amazon.com/general/latest/gr/rande.html
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


def destination(service: str, options: AwsOptions) -> str:
    """``at http://…`` for an emulator, ``in AWS account …, region …`` for the real one.

    Asked of the client itself, which knows every place where an address may be configured. Raises
    ConfigurationError when the client cannot be made.
    """
    place = client(service, options).meta
    if not (urlsplit(place.endpoint_url).hostname or "").endswith(_OF_AWS):
        return f"at {place.endpoint_url}"
    try:
        return f"in AWS account {account_id(options)}, region {place.region_name}"
    except RemoteError:  # the call itself tells what is wrong with the credentials
        return f"in AWS, region {place.region_name}"
