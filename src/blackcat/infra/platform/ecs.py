"""An ECS task as a process in it sees it: what its metadata endpoint tells, and protection from scale-in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from blackcat.application.events import EventLog
from blackcat.errors import PermanentError, RemoteError, TransientError, Unreachable
from blackcat.infra.container import Platform
from blackcat.infra.local_http import Answer, AnswerError, ask

log = EventLog("blackcat")

METADATA = "ECS_CONTAINER_METADATA_URI_V4"
AGENT = "ECS_AGENT_URI"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
MAX_PROTECTION = timedelta(minutes=2880)
# On Fargate a task definition's stopTimeout goes no further.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
MAX_FARGATE_STOP = timedelta(seconds=120)

_MEBIBYTE = 1024 * 1024
# The endpoints are on the same machine: what takes longer does not answer at all.
_METADATA_SECONDS = 1.0
# The agent itself waits four seconds for ECS.
_AGENT_SECONDS = 6.0
# More than any machine has: a number without sense.
_MOST = 2.0**40
# A name of ECS's goes up to 255 characters; one that is longer would stand on every line.
_LONGEST_NAME = 255


def task(environ: Mapping[str, str], *, timeout: float = _METADATA_SECONDS) -> Platform | None:
    """None when this is no ECS task. Metadata that cannot be read are told, and the task goes without.

    ``timeout`` is in seconds, for each of two questions.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
    """
    address = environ.get(METADATA)
    if not address:
        return None
    try:
        described = _object(ask(f"{address}/task", seconds=timeout))
        container = _object(ask(address, seconds=timeout))
    except AnswerError as error:
        log.warning("task.metadata_not_read", reason=f"{address} did not answer as it should: {error}")
        return Platform(name="ecs")
    return _described(described, container)


def _described(task: Mapping[str, Any], container: Mapping[str, Any]) -> Platform:
    told = {
        "cluster": _last_part(task.get("Cluster")),
        "ecs_service": _text(task.get("ServiceName")),
        "task_definition": f"{_text(task.get('Family'))}:{_text(task.get('Revision'))}".strip(":"),
        "launch_type": _text(task.get("LaunchType")),
        "availability_zone": _text(task.get("AvailabilityZone")),
        "container": _text(container.get("Name")),
    }
    identity = _last_part(task.get("TaskARN"))
    limits = task.get("Limits") if isinstance(task.get("Limits"), dict) else {}
    memory, cpus = _positive(limits, "Memory"), _positive(limits, "CPU")
    return Platform(
        name="ecs",
        identity={"task": identity} if identity else {},
        details={name: value for name, value in told.items() if value},
        memory_limit=int(memory * _MEBIBYTE) if memory else None,
        cpus=cpus,
        longest_stop=MAX_FARGATE_STOP if task.get("LaunchType") == "FARGATE" else None,
    )


class EcsAgent:
    """Protects the task that this process runs in, through the container agent beside it.

    The task's role needs ecs:UpdateTaskProtection. Both calls raise TransientError, or PermanentError when
    asking again is of no use: the task belongs to no service, so that nothing scales it in, or the agent
    has no such endpoint.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
    """

    def __init__(self, address: str, *, timeout: float = _AGENT_SECONDS) -> None:
        self._url = f"{address}/task-protection/v1/state"
        self._timeout = timeout

    def protect(self, duration: timedelta) -> None:
        """For whole minutes, rounded up; one at least, and 2,880 at most."""
        minutes = math.ceil(min(max(duration, timedelta(minutes=1)), MAX_PROTECTION) / timedelta(minutes=1))
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def release(self) -> None:
        self._put({"ProtectionEnabled": False})

    def _put(self, state: Mapping[str, object]) -> None:
        try:
            answer = ask(self._url, seconds=self._timeout, method="PUT", body=json.dumps(state).encode())
        except AnswerError as error:
            raise Unreachable(f"the agent does not answer: {error}", **_CALL) from error
        told = _json(answer.body) or {}
        if answer.status != HTTPStatus.OK:
            raise _refused(answer.status, told)
        if told.get("failure"):  # with status 200
            raise _failed(told["failure"])
        protection = told.get("protection")
        if not isinstance(protection, dict):
            raise TransientError("the agent answered something else than a protection", **_CALL)
        if protection.get("ProtectionEnabled") is not state["ProtectionEnabled"]:
            raise TransientError("the agent took the call, and left the protection as it was", **_CALL)


_CALL = {"service": "ecs", "operation": "UpdateTaskProtection"}
_STANDALONE = "TASK_NOT_VALID"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
_BLOCKED = "DEPLOYMENT_BLOCKED"
_MEND = {
    _STANDALONE: "the task belongs to no ECS service, so nothing scales it in: unset ECS_TASK_PROTECTION",
    _BLOCKED: "more tasks of the service are protected than it should run: what is protected by now runs out",
    "AccessDeniedException": "allow ecs:UpdateTaskProtection in the task's role",
}


def _failed(failure: object) -> RemoteError:
    told = failure if isinstance(failure, dict) else {}
    code = _text(told.get("Reason"))
    kind = PermanentError if code == _STANDALONE else TransientError
    return kind(_MEND.get(code) or _text(told.get("Detail")) or "no reason given", code=code, **_CALL)


def _refused(status: int, answer: Mapping[str, Any]) -> RemoteError:
    error = answer.get("error")
    told = error if isinstance(error, dict) else {}
    code = _text(told.get("Code")) or str(status)
    if status == 404 and not told:
        return PermanentError("the container agent is too old to protect tasks", code=code, **_CALL)
    # A denial too: a role may be mended while the task runs.
    detail = _MEND.get(code) or _text(told.get("Message")) or f"the agent answered with {status}"
    return TransientError(detail, code=code, request_id=_text(answer.get("requestID")), **_CALL)


def _object(answer: Answer) -> dict[str, Any]:
    """Raises AnswerError when it is none."""
    if answer.status != HTTPStatus.OK:
        raise AnswerError(f"it answered with {answer.status}")
    found = _json(answer.body)
    if found is None:
        raise AnswerError("it answered no JSON object")
    return found


def _json(body: bytes) -> dict[str, Any] | None:
    """An object; numbers in it are floats, of which none has too many digits."""
    try:
        found = json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _positive(limits: Any, name: str) -> float | None:
    found = limits.get(name)
    return found if isinstance(found, float) and 0 < found < _MOST else None


def _text(value: object) -> str:
    """Empty for what is no text."""
    return value[:_LONGEST_NAME] if isinstance(value, str) else ""


def _last_part(arn: object) -> str:
    """``5f1d…`` of ``arn:aws:ecs:eu-west-1:123456789012:task/shop/5f1d…``; a short name as it is."""
    return _text(arn).rpartition("/")[2]
