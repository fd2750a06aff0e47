"""Checks of the project's layers."""

from __future__ import annotations

import pytest

from blackcat.application.doctor.architecture import Contracts, Import, Source, contracts, layers

EVERYTHING = ("shop.domain", "shop.application", "shop.infra", "shop.entrypoints")


def found(importer, imported, *, beside=EVERYTHING):
    others = [Source(name, f"{name.replace('.', '/')}/__init__.py") for name in beside]
    source = Source(importer, f"{importer.replace('.', '/')}.py", [Import(imported, 7)])
    return [(finding.rule.code, finding.subject, finding.what) for finding in layers([*others, source])]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("shop.domain.order", "shop.application.place_order"),
        ("shop.domain.order", "shop.infra.repository"),
        ("shop.domain.deep.order", "shop.entrypoints.api"),
        ("shop.application.place_order", "shop.infra.repository"),
        ("shop.application.place_order", "shop.entrypoints.api"),
        ("shop.domain.order", "boto3"),
        ("shop.application.place_order", "flask.request"),
    ],
)
def test_an_inner_layer_that_imports_an_outer_one_is_found(importer, imported):
    ((code, subject, what),) = found(importer, imported)
    assert (code, subject) == ("BC501", f"{importer.replace('.', '/')}.py:7")
    assert imported in what


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("shop.domain.order", "shop.domain.money"),
        ("shop.domain.order", "dataclasses"),
        ("shop.application.place_order", "shop.domain.order"),
        ("shop.infra.repository", "shop.application.ports"),
        ("shop.infra.repository", "boto3"),
        ("shop.entrypoints.api", "shop.infra.container"),
        ("shop.entrypoints.api", "flask"),
        ("scripts.load", "shop.infra.repository"),
        ("services", "shop.infra.container"),
    ],
)
def test_imports_that_lead_inwards_or_have_no_layer_are_fine(importer, imported):
    assert found(importer, imported) == []


def test_another_context_is_an_outer_layer_too():
    assert found(
        "shop.domain.order", "billing.infra.db", beside=[*EVERYTHING, "billing.domain", "billing.infra"]
    )


def test_a_package_called_domain_alone_makes_no_context():
    assert found("names.domain.lookup", "names.infra.x", beside=["names.domain"]) == []


def test_layers_may_stand_in_the_project_s_own_folder():
    assert found("domain.order", "infra.db", beside=["domain", "infra"])


def test_a_file_that_is_not_python_is_found_where_there_are_layers():
    broken = Source("shop.domain.order", "shop/domain/order.py", problem="line 3: invalid syntax")
    elsewhere = Source("drafts.idea", "drafts/idea.py", problem="line 1: invalid syntax")
    others = [Source(name, name) for name in EVERYTHING]
    (finding,) = layers([*others, broken, elsewhere])
    assert (finding.rule.code, finding.subject) == ("BC503", "shop/domain/order.py")


def test_a_broken_contract_is_found():
    (finding,) = contracts(Contracts(broken=(("Layers of the shop", "shop.domain -> shop.infra"),)))
    assert (finding.rule.code, finding.subject) == ("BC502", "contract 'Layers of the shop'")
    assert list(contracts(Contracts())) == []
