"""Where AWS is called: at the address that is configured, otherwise where botocore's endpoint rules say."""

from __future__ import annotations

from typing import Any

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import InvalidConfigError


def endpoint_url(session: Any, service: str, region: str) -> str:
    """The address that a client of this botocore session would call, found without making one.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    Raises InvalidConfigError for a pseudo region, and EndpointProviderError when AWS has no such endpoint.
    """
    if "fips" in region:
        raise InvalidConfigError(
            error_msg=f"'{region}' is no region: set AWS_REGION={_without_fips(region)} "
            "and AWS_USE_FIPS_ENDPOINT=true"
        )
    return configured_url(session, service) or _by_rules(session, service, region)


def _without_fips(region: str) -> str:
    return region.replace("fips-", "").replace("-fips", "")


def configured_url(session: Any, service: str) -> str | None:
    """The address that environment or profile name for the service, in AWS's order; None when none does."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    configured: str | None = ConfiguredEndpointProvider(
        full_config=session.full_config, scoped_config=session.get_scoped_config(), client_name=service
    ).provide()
    return configured


def _by_rules(session: Any, service: str, region: str) -> str:
    data = session.get_component("data_loader")
    rules = EndpointProvider(
        data.load_service_model(service, "endpoint-rule-set-1"), data.load_data("partitions")
    )
    found: str = rules.resolve_endpoint(
        Region=region,
        UseFIPS=bool(session.get_config_variable("use_fips_endpoint")),
        UseDualStack=bool(session.get_config_variable("use_dualstack_endpoint")),
    ).url
    return found
