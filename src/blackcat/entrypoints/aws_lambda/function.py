"""``lambda_handler``: a service as the handler of a Lambda function."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service

if TYPE_CHECKING:
    from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler


def lambda_handler(target: Service | ServiceRegistry) -> LambdaHandler:
    """The handler of a function that runs a service: ``handler = lambda_handler(services)`` in main.py.

    A Service runs as it is; of a ServiceRegistry the one that SERVICE_NAME names, or its only one. It is
    built here, in the init phase: an error fails the start, and invocations find it ready. Raises
    ConfigurationError.
    https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
    """
    with _no_collections():
        from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler
        from blackcat.entrypoints.aws_lambda.start import start

        return LambdaHandler(start(target))


@contextmanager
def _no_collections() -> Iterator[None]:
    """Modules and classes stay: to look through them while they are loaded costs a tenth of a cold start."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
