"""The second argument of a Lambda handler."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from blackcat.application.clock import SystemClock
from blackcat.application.ports import Clock
from blackcat.testing.event_parts import arn


class LambdaContext:
    """What Lambda tells a handler about its invocation; ``remaining`` counts down from now by the ``clock``.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(
        self,
        *,
        remaining: timedelta = timedelta(seconds=30),
        name: str = "function",
        version: str = "$LATEST",
        clock: Clock | None = None,
    ) -> None:
        self.function_name = name
        self.function_version = version
        self.invoked_function_arn = arn("lambda", f"function:{name}")
        self.memory_limit_in_mb = "128"
        self.aws_request_id = str(uuid4())
        self.log_group_name = f"/aws/lambda/{name}"
        self.log_stream_name = f"2030/01/01/[{version}]0123456789abcdef"
        self.identity = None
        self.client_context = None
        self._clock = clock or SystemClock()
        self._ends = self._clock.monotonic() + remaining.total_seconds()

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - self._clock.monotonic()) * 1000))
