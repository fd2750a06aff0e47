"""What AWS does not take, said before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterator

from blackcat.application.deployment.model import STOP_MARGIN_SECONDS, DeployedService, Deployment
from blackcat.errors import ConfigurationError
from blackcat.resources import QUEUE_NAME_MAX, RULE_NAME_MAX, TOPIC_NAME_MAX

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
ECS_STOP_MAX = 120
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE_NAME_MAX = 255
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
_BUS_NAME_MAX = 256
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_SECRET_NAME_MAX = 512


def refuse_long_names(deployment: Deployment) -> None:
    """Raises ConfigurationError for names that are too long once they bear an environment's prefix."""
    prefix = max((one.prefix for one in deployment.environments), key=len)
    problems = [
        f"{kind} '{prefix}{name}' has {len(prefix + name)} characters, and AWS takes {most}"
        for kind, name, most in _names(deployment)
        if len(prefix + name) > most
    ]
    if problems:
        raise ConfigurationError(f"{'; '.join(problems)}: take shorter names")


def ecs_stop_seconds(service: DeployedService) -> int:
    """How long ECS waits for the service to stop. Raises ConfigurationError."""
    if service.stop_seconds > ECS_STOP_MAX:
        raise ConfigurationError(
            f"[tool.blackcat.deploy] shutdown_timeout_seconds is {service.shutdown_seconds}, and ECS kills "
            f"after {ECS_STOP_MAX} s: write {ECS_STOP_MAX - STOP_MARGIN_SECONDS} at most; longer messages "
            "want task protection"
        )
    return service.stop_seconds


def _names(deployment: Deployment) -> Iterator[tuple[str, str, int]]:
    for queue in deployment.queues:
        yield "queue", queue.name, QUEUE_NAME_MAX
        if queue.dead_letter:
            yield "queue", queue.dead_letter.name, QUEUE_NAME_MAX
        # Whole: what is shortened here would be shortened otherwise with the prefix before it.
        yield from (("rule", rule.declared.whole_name(queue.name), RULE_NAME_MAX) for rule in queue.rules)
    yield from (("topic", topic.name, TOPIC_NAME_MAX) for topic in deployment.topics)
    yield from (("event bus", bus.name, _BUS_NAME_MAX) for bus in deployment.buses if not bus.default)
    yield from (("table", table.name, _TABLE_NAME_MAX) for table in deployment.tables)
    yield from (("secret", one.name, _SECRET_NAME_MAX) for one in deployment.secrets if not one.foreign)
