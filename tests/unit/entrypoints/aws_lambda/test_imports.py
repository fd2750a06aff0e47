"""What a cold start does not load: each type of function only pays for what it uses."""

import subprocess
import sys
from textwrap import dedent

import pytest

# Costs of 5 to 200 milliseconds each.
HEAVY = {
    "aiohttp",
    "apig_wsgi",
    "blackcat.adapters_aws",
    "blackcat.entrypoints.mew",
    "blackcat.infra.health_server",
    "blackcat.infra.platform",
    "blackcat.testing",
    "boto3",
    "botocore",
    "click",
    "fastapi",
    "flask",
    "gunicorn",
    "http.server",
    "jinja2",
    "mangum",
    "opentelemetry",
    "pika",
    "prometheus_client",
    "psycopg",
    "pymongo",
    "s3transfer",
    "urllib3",
    "werkzeug",
}
OF_APIS = {"apig_wsgi", "blackcat.infra.platform", "click", "flask", "http.server", "jinja2", "werkzeug"}


def loaded(kind, declared, event, tmp_path):
    """The modules of a process that has handled one event."""
    (tmp_path / "views.py").write_text(
        dedent(
            """
            from flask import Blueprint
            blueprint = Blueprint("views", __name__)
            """
        )
    )
    program = dedent(
        f"""
        import sys
        from blackcat import Service, ServiceType, lambda_handler

        class Context:
            aws_request_id = "1"
            def get_remaining_time_in_millis(self):
                return 30_000

        def job() -> None: ...
        def handle(order: dict) -> None: ...

        handler = lambda_handler(Service(name="one", type=ServiceType.{kind}, {declared}))
        assert handler({event!r}, Context()) is not None
        sys.stdout.write("\\n".join(["modules:", *sys.modules]))
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.partition("modules:")[2].split())


EVENTS = {
    "CONSUMER": ("entrypoint=handle, queue_name='q'", {"Records": [{"messageId": "1", "body": "{}"}]}),
    "WORKER": ("entrypoint=job", {}),
    "REST_API": (
        "endpoint_module='views'",
        {"httpMethod": "GET", "path": "/", "requestContext": {}, "headers": {}},
    ),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_a_cold_start_loads_nothing_that_its_type_does_not_use(kind, tmp_path):
    found = loaded(kind, *EVENTS[kind], tmp_path)
    assert "blackcat.entrypoints.aws_lambda.function" in found
    assert HEAVY & found <= (OF_APIS if kind == "REST_API" else set())
