"""How long a service may take on Lambda."""

from __future__ import annotations

from blackcat.application.deployment.model import DeployedService
from blackcat.errors import ConfigurationError

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_SECONDS = 900
# A message must not come back while its batch, or a retry of it, is being handled.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
API_SECONDS = 30
# What a run that is past its deadline is left to end by itself.
_MARGIN_SECONDS = 30


def timeout_seconds(service: DeployedService) -> int:
    """The timeout of a service's function. Raises ConfigurationError for what Lambda cannot do."""
    if service.api:
        return API_SECONDS
    if service.queue:
        return max(1, min(MAX_SECONDS, service.queue.visibility_seconds // VISIBILITY_PER_TIMEOUT))
    if service.deadline_seconds is None:
        return MAX_SECONDS
    if service.deadline_seconds + _MARGIN_SECONDS > MAX_SECONDS:
        raise ConfigurationError(
            f"worker '{service.name}' has a deadline of {service.deadline_seconds} seconds, and Lambda ends "
            f"what runs longer than {MAX_SECONDS - _MARGIN_SECONDS}: shorten it, or deploy it with --target "
            "ecs or kubernetes"
        )
    return service.deadline_seconds + _MARGIN_SECONDS
