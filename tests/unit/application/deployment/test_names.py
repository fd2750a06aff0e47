"""Names of services and resources, where the platforms are stricter than the registry."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blackcat.application.deployment.names import LABEL_MAX, QUALIFIED_MAX, labels, logical_ids, qualified

SERVICE_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,62}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("start_payment", "start-payment"),
        ("StartPayment", "startpayment"),
        ("orders_", "orders"),
        ("a--b__c", "a-b-c"),
        ("on", "app-on"),
        ("2024 shop!", "app-2024-shop"),
        ("!", "app"),
    ],
)
def test_a_label_is_what_kubernetes_and_yaml_take(name, label):
    assert labels([name]) == {name: label}


@given(st.lists(SERVICE_NAMES, max_size=8, unique=True))
def test_labels_are_distinct_and_valid(names):
    found = labels(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    for label in found.values():
        assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", label)
        assert len(label) <= LABEL_MAX
        assert yaml.safe_load(label) == label
        assert len(qualified("p" * LABEL_MAX, label)) <= QUALIFIED_MAX


@given(st.lists(st.from_regex(r"[A-Za-z0-9_.-]{3,80}", fullmatch=True), max_size=8, unique=True))
def test_logical_ids_are_distinct_and_alphanumeric(names):
    found = logical_ids(names, "Table")
    assert len(set(found.values())) == len(names)
    for id_ in found.values():
        assert re.fullmatch(r"[A-Za-z0-9]+Table", id_)


def test_a_name_that_comes_later_leaves_those_before_it_theirs():
    before = labels(["a_b"])
    after = labels(["a_b", "a-b"])
    assert after["a_b"] == before["a_b"] == "a-b"
    assert after["a-b"].startswith("a-b-")


def test_what_is_cut_still_tells_names_apart():
    first, second = f"{'a' * 62}b", f"{'a' * 62}c"
    assert labels([first])[first] != labels([second])[second]
    assert qualified("shop" * 12, "a" * 52) != qualified("shop" * 12, f"{'a' * 51}b")
