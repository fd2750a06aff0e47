"""SSM Parameter Store, on the emulator."""

from __future__ import annotations

import pytest

from blackcat.adapters_aws import AwsOptions, SsmParameterStore
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.application.parameters import TTL, CachedParameters
from blackcat.errors import Unreachable
from blackcat.testing import FrozenClock


@pytest.fixture
def store(aws_options: AwsOptions) -> SsmParameterStore:
    return SsmParameterStore(aws_options)


def put(options: AwsOptions, name: str, value: str, type_: str = "String") -> None:
    AwsCalls("ssm", options).read("PutParameter", name, Name=name, Value=value, Type=type_, Overwrite=True)


def test_parameters_are_decrypted_and_known_by_the_names_that_were_asked_for(
    store: SsmParameterStore, aws_options: AwsOptions, unique: str
) -> None:
    put(aws_options, f"/{unique}/url", "http://shop")
    put(aws_options, f"/{unique}/password", "canary", "SecureString")
    names = [f"/{unique}/url", f"/{unique}/password", f"/{unique}/url:1", f"/{unique}/none"]
    found = store.get([*names, names[0]])
    assert list(found) == names[:3]
    assert [found[name].value for name in names[:3]] == ["http://shop", "canary", "http://shop"]
    assert [found[name].secret for name in names[:3]] == [False, True, False]
    assert "canary" not in repr(found)


def test_more_than_ten_are_asked_for_in_tens(
    store: SsmParameterStore, aws_options: AwsOptions, unique: str
) -> None:
    names = [f"/{unique}/{number}" for number in range(23)]
    for name in names:
        put(aws_options, name, name)
    assert {name: one.value for name, one in store.get(names).items()} == {name: name for name in names}
    assert store.get([]) == {}


def test_an_arn_names_one_too(store: SsmParameterStore, aws_options: AwsOptions, unique: str) -> None:
    put(aws_options, f"/{unique}/url", "http://shop")
    arn = f"arn:aws:ssm:us-east-1:000000000000:parameter/{unique}/url"
    assert store.get([arn])[arn].value == "http://shop"


def test_a_store_that_does_not_answer_is_told() -> None:
    nowhere = SsmParameterStore(AwsOptions(region="us-east-1", endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(Unreachable):
        nowhere.get(["/shop/url"])


def test_a_cache_asks_for_what_it_does_not_know(
    store: SsmParameterStore, aws_options: AwsOptions, unique: str
) -> None:
    first, second = f"/{unique}/a", f"/{unique}/b"
    put(aws_options, first, "1")
    clock = FrozenClock()
    cached = CachedParameters(store, clock=clock)
    assert cached.get([first])[first].value == "1"
    put(aws_options, first, "2")
    put(aws_options, second, "2")
    assert [one.value for one in cached.get([first, second]).values()] == ["1", "2"]
    clock.advance(TTL)
    assert cached.get([first])[first].value == "2"
