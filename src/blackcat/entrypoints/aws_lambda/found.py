"""The handler of a project that has none of its own: the registry is found as the command line finds it."""

from __future__ import annotations

import os
from pathlib import Path

from blackcat.entrypoints.aws_lambda.function import lambda_handler
from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler
from blackcat.entrypoints.aws_lambda.not_started import told_when_not_started
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.project.project import find_project


def found_handler() -> LambdaHandler:
    """Of the registry that ``[tool.blackcat] services`` of the function's pyproject.toml names, or services.

    Raises ConfigurationError.
    """
    configure_logs()
    with told_when_not_started():
        registry = find_project(Path(os.environ.get("LAMBDA_TASK_ROOT", "."))).registry()
    return lambda_handler(registry)
