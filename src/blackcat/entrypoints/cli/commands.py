"""What ``blackcat --help`` lists."""

from __future__ import annotations

from typing import NamedTuple


class Listed(NamedTuple):
    """A command: the module that holds it under the name ``command``, and its line in the help."""

    module: str
    summary: str


COMMANDS = {
    "new": Listed("new", "Start a project that runs, with its tests."),
    "generate-service": Listed("generate_service", "Add a consumer, worker or REST API to this project."),
    "generate-operation": Listed("generate_operation", "Add an operation to this project on Lambda."),
    "generate-deploy": Listed(
        "generate_deploy", "Write the files that deploy this project, and keep them in step."
    ),
    "run": Listed("run", "Run one service, as main.py does, with the environment of .env."),
    "dev": Listed("dev", "Run the whole project on this machine, AWS included."),
    "provision": Listed("provision", "Create what the project declares, on an emulator."),
    "services": Listed("services", "List the services of this project."),
    "graph": Listed("graph", "Draw services, queues, topics and tables."),
    "config": Listed("config", "Show every setting, its value or mask, and where it came from."),
    "iam-policy": Listed("iam_policy", "Print the IAM policy of a service: what it calls, and nothing more."),
    "doctor": Listed("doctor", "Find what is broken, why it matters and how to mend it."),
    "send": Listed("send", "Send a message to a queue."),
    "publish": Listed("publish", "Publish a message to a topic."),
    "invoke": Listed("invoke", "Run a service's handler once, on this machine, without a queue."),
    "dlq": Listed("dlq", "See, redrive and purge messages of dead-letter queues."),
    "package": Listed("package", "Build the zip and the layers of a Lambda function."),
    "deploy-lambda": Listed(
        "deploy_lambda", "Publish a version of a Lambda function, try it, move its alias."
    ),
    "completion": Listed("completion", "Print the completion script of a shell."),
}
