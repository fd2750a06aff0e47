"""What every deployment relies on: the job health, both API Gateways, the scripts, and clear errors."""

from __future__ import annotations

import json

from blackcat.testing.http_events import api_gateway_v1_event, api_gateway_v2_event
from blackcat.testing.lambda_runtime import LambdaFunction

from ..standins import OPENAI_KEY
from ..world import OPENAI_SECRET, POSTGRES_SECRET, World, keep_secret


def test_the_job_health_reads_all_settings_and_knows_all_commands(function: LambdaFunction) -> None:
    said = function.invoke({"job": "health"}).value()
    assert said["status"] == "ok"
    assert set(said["jobs"]) <= {*said["commands"], "health"}


def test_both_versions_of_api_gateway_are_answered(function: LambdaFunction) -> None:
    for event in (api_gateway_v1_event("GET", "/health"), api_gateway_v2_event("GET", "/health")):
        assert function.invoke(event).value()["statusCode"] == 200


def test_an_event_that_nobody_knows_is_an_error(function: LambdaFunction) -> None:
    assert function.invoke({"what": "is this?"}).error


def test_migrations_are_applied_once(world: World) -> None:
    again = world.script("migrate")
    assert (again.returncode, again.stderr) == (0, "")
    assert "0 applied now" in again.stdout
    assert world.script("migrate", "status").returncode == 0


def test_a_secret_that_lacks_a_key_is_named_with_the_key(world: World) -> None:
    keep_secret(world.emulator, "no-host", {"username": "ana", "password": "p-1", "dbname": "d"})
    asked = world.script("migrate", "status", POSTGRES_SECRET="no-host")
    assert asked.returncode == 1
    assert "secret 'no-host' has no key 'host'" in asked.stderr
    assert "p-1" not in asked.stderr


def test_a_deployment_learns_from_health_which_key_of_which_secret_is_missing(world: World) -> None:
    keep_secret(world.emulator, OPENAI_SECRET, {"apikey": "sk-other"})
    with world.function() as function:
        reply = function.invoke({"job": "health"})
    checked = world.script("setup_env", "--check")
    keep_secret(world.emulator, OPENAI_SECRET, {"api_key": OPENAI_KEY})
    for said in (json.dumps(reply.payload), checked.stderr):
        assert f"secret '{OPENAI_SECRET}' has no key 'api_key' (did you mean 'apikey'?)" in said
    assert reply.error
    assert "sk-other" not in reply.log + checked.stderr


def test_the_secrets_are_checked_by_name_and_not_shown(world: World) -> None:
    checked = world.script("setup_env", "--check")
    for name in (POSTGRES_SECRET, OPENAI_SECRET):
        assert f"{name}: there" in checked.stdout
    assert OPENAI_KEY not in checked.stdout
    assert world.login["password"] not in checked.stdout


def test_a_database_that_cannot_be_reached_is_told_by_migrate(world: World) -> None:
    keep_secret(world.emulator, "nowhere", {**world.login, "host": "127.0.0.1", "port": 9})
    asked = world.script("migrate", POSTGRES_SECRET="nowhere")
    assert asked.returncode == 1
    assert "127.0.0.1:9" in asked.stderr
    assert "Traceback" not in asked.stderr
