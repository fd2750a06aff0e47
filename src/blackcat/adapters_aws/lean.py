"""The lean transport: the calls that a consumer or sender makes, without botocore's machinery.

Credentials, endpoint, proxies, TLS, retries and the reading of errors are botocore's own; requests are
written and replies read here. What else is called goes to boto3's client, which is made for it then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, NoCredentialsError

from blackcat.adapters_aws.call_metrics import count_throttles
from blackcat.adapters_aws.connections import Connections
from blackcat.adapters_aws.retries import Retries
from blackcat.adapters_aws.routes import Route
from blackcat.adapters_aws.signing import Signer
from blackcat.adapters_aws.sqs_protocol import Requests, Response, encoded, response


class LeanSqs:
    """boto3's client for SQS, with the calls of consumers and senders made in another way.

    Takes the same parameters, gives the same responses, raises the same errors; only AWS checks the
    parameters. Safe to share between threads. ``credentials`` are those of a botocore session, asked
    anew at each call; ``config`` is a botocore client's; ``stock`` gives the client for all other calls;
    ``retry_refused`` handles botocore's event needs-retry.
    Raises ValueError, InvalidConfigError or OSError as Route does.
    """

    def __init__(
        self,
        endpoint_url: str,
        *,
        region: str,
        credentials: Any,
        config: Any,
        stock: Callable[[], Any],
        ca_bundle: str | None = None,
        retry_refused: Callable[..., Any] | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        route = Route(endpoint_url, ca_bundle=ca_bundle, connect_timeout=config.connect_timeout)
        self._stock = stock
        self._credentials = credentials
        self._requests = Requests(route, signer=Signer(region, "sqs"), user_agent=config.user_agent, now=now)
        self._connections = Connections(
            route, read_timeout=config.read_timeout, kept=config.max_pool_connections
        )
        self._retries = Retries(max_attempts=config.retries["total_max_attempts"], sleep=sleep)
        count_throttles(self._retries.events)
        if retry_refused:
            self._retries.events.register("needs-retry", retry_refused)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stock(), name)

    def get_queue_url(self, **parameters: Any) -> Response:
        return self._call("GetQueueUrl", parameters)

    def get_queue_attributes(self, **parameters: Any) -> Response:
        return self._call("GetQueueAttributes", parameters)

    def receive_message(self, **parameters: Any) -> Response:
        return self._call("ReceiveMessage", parameters)

    def delete_message_batch(self, **parameters: Any) -> Response:
        return self._call("DeleteMessageBatch", parameters)

    def change_message_visibility_batch(self, **parameters: Any) -> Response:
        return self._call("ChangeMessageVisibilityBatch", parameters)

    def send_message(self, **parameters: Any) -> Response:
        return self._call("SendMessage", parameters)

    def send_message_batch(self, **parameters: Any) -> Response:
        return self._call("SendMessageBatch", parameters)

    def _call(self, operation: str, parameters: Response) -> Response:
        body = encoded(parameters)
        attempts = self._retries.of(operation)
        while True:
            try:
                answer = self._attempt(operation, body)
            except (ClientError, ConnectionError, HTTPClientError) as error:
                attempts.wait_after(error)
            else:
                attempts.succeeded(answer)
                return answer

    def _attempt(self, operation: str, body: bytes) -> Response:
        if self._credentials is None:
            raise NoCredentialsError
        request = self._requests.signed(operation, body, self._credentials.get_frozen_credentials())
        return response(operation, self._connections.exchange(request))
