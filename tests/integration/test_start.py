"""How services start, or refuse to: the message says what to do, the exit status what it was."""

import threading

from tests.integration.conftest import get


def reason(process):
    return process.wait_for("service.not_started")["reason"]


def test_without_a_service_name_the_services_are_listed(start):
    nameless = start(None)
    assert nameless.status() == 78
    assert "SERVICE_NAME is not set" in reason(nameless)
    assert "failing_job" in reason(nameless)


def test_an_unknown_service_name_suggests_the_nearest(start):
    mistaken = start("order")
    assert mistaken.status() == 78
    assert "did you mean 'orders'?" in reason(mistaken)


def test_a_missing_setting_is_named_and_nothing_starts(start):
    job = start("job", SHOP_API_KEY=None)
    assert job.status() == 78
    assert "SHOP_API_KEY is not set: set it in the environment or in .env" in reason(job)
    assert not job.events("job.done")


def test_wrong_settings_are_all_told_without_their_values(start):
    job = start("job", LOG_LEVEL="LOUD", HEALTH_PORT="canary-port")
    assert job.status() == 78
    assert "LOG_LEVEL" in reason(job)
    assert "HEALTH_PORT" in reason(job)
    assert "canary" not in job.output


def test_a_broken_service_shows_its_cause_and_stops_no_other(start):
    broken, job = start("broken"), start("job")
    assert broken.status() == 78
    assert "No module named 'no_such_module_anywhere'" in reason(broken)
    assert "broken.py, line 1" in reason(broken)
    assert job.status() == 0


def test_a_missing_binding_fails_the_start_and_names_it(start):
    unbound = start("unbound")
    assert unbound.status() == 78
    assert "needs NotInTheContainer for 'missing'" in reason(unbound)


def test_a_missing_binding_of_an_api_fails_its_start_too(start):
    unbound = start("unbound_api")
    assert unbound.status() == 78
    assert "view 'orders.orders' needs NotInTheContainer" in reason(unbound)


def test_a_worker_that_returns_ends_with_0_and_has_no_health_server(start):
    job = start("job")
    assert job.status() == 0
    assert job.events("job.done")
    assert job.events("worker.finished")
    assert job.events("shop.closed")
    assert not job.events("health.listening")


def test_a_worker_that_raises_ends_with_1(start):
    job = start("failing_job")
    assert job.status() == 1
    assert "ValueError: nothing to do" in job.wait_for("worker.failed")["error"]["stack"]


def test_a_worker_may_finish_after_a_signal(start):
    job = start("long_job")
    job.wait_for("job.began")
    assert job.stop() == 0
    assert job.events("job.done")


def test_a_worker_that_takes_longer_than_the_budget_ends_with_1(start):
    job = start("long_job", SHUTDOWN_TIMEOUT_SECONDS="1.1")
    job.wait_for("job.began")
    assert job.stop() == 1
    assert job.events("service.abandoned")


def test_an_api_answers_health_and_stops_after_its_running_requests(start):
    api = start("api")
    port = api.wait_for("api.listening")["port"]
    assert get(f"http://127.0.0.1:{port}/health")[0] == 200
    answers = []
    request = threading.Thread(target=lambda: answers.append(get(f"http://127.0.0.1:{port}/slow")))
    request.start()
    api.wait_for("slow.began")
    assert api.stop() == 0
    request.join(30)
    assert answers == [(200, {"done": True})]
    assert api.events("shop.closed")


def test_the_development_server_runs_only_on_request(start):
    api = start("api", API_SERVER="development")
    port = api.wait_for("api.listening")["port"]
    assert api.events("api.development_server")
    assert get(f"http://127.0.0.1:{port}/health")[0] == 200
    assert api.stop() == 0


def test_a_taken_port_ends_the_api_with_the_fix(start):
    port = start("api").wait_for("api.listening")["port"]
    second = start("api", PORT=str(port))
    assert second.status() == 78
    assert "PORT" in reason(second)
