"""Services on Lambda: a function's configuration names ``blackcat.entrypoints.aws_lambda.handler``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler

    handler: LambdaHandler


def __getattr__(name: str) -> LambdaHandler:
    """The handler of the project in the function's folder, built when Lambda first asks for it."""
    if name != "handler":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from blackcat.entrypoints.aws_lambda.found import found_handler

    globals()["handler"] = found = found_handler()
    return found
