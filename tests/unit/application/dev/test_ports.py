"""Who listens where."""

import itertools

from blackcat.application.dev.plan import PlannedService
from blackcat.application.dev.ports import planned_ports
from blackcat.domain.service import ServiceType

api, admin = (PlannedService(name, ServiceType.REST_API) for name in ("api", "admin"))
orders, bills = (PlannedService(name, ServiceType.CONSUMER, queue=name) for name in ("orders", "bills"))
nightly = PlannedService("nightly", ServiceType.WORKER)


def planned(*services, first=8000, kept=None, taken=()):
    free = itertools.count(40000)
    return planned_ports(
        services,
        first=first,
        kept=kept or {},
        is_free=lambda port: port not in taken,
        any_free=lambda: next(free),
    )


def test_an_api_gets_the_wanted_port_and_others_those_after_it():
    assert planned(api, orders, admin, nightly) == {"api": 8000, "orders": 40000, "admin": 8001}


def test_a_taken_port_is_passed_over():
    assert planned(api, admin, taken={8000, 8002}) == {"api": 8001, "admin": 8003}


def test_when_all_around_are_taken_any_free_one_serves():
    assert planned(api, taken=range(8000, 9000)) == {"api": 40000}
    assert planned(api, first=65535, taken={65535}) == {"api": 40000}


def test_port_0_means_any_free_one():
    assert planned(api, admin, first=0) == {"api": 40000, "admin": 40001}


def test_addresses_outlive_a_restart_and_stay_apart_from_new_ones():
    kept = {"api": 8001, "orders": 40000}
    assert planned(api, admin, orders, bills, kept=kept) == {
        "api": 8001,
        "admin": 8000,
        "orders": 40000,
        "bills": 40001,
    }
