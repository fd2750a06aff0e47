"""SSM Parameter Store as a store of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.application.ports import Parameter

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
MAX_NAMES = 10


class SsmParameterStore:
    """The parameters of an account, decrypted. Safe to share between threads.

    A name may end with a version or label, such as ``/shop/url:3``. Needs ``ssm:GetParameters``, and
    ``kms:Decrypt`` for encrypted ones with a key of their own.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
    """

    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("ssm", options)

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        found: dict[str, Parameter] = {}
        remaining = iter(dict.fromkeys(names))
        while some := list(islice(remaining, MAX_NAMES)):
            answer = self._calls.read("GetParameters", ", ".join(some), Names=some, WithDecryption=True)
            by_name = {name: one for one in answer["Parameters"] for name in _names(one)}
            found |= {name: _parameter(name, by_name[name]) for name in some if name in by_name}
        return found


def _names(found: Response) -> Iterator[str]:
    """Under which names it may have been asked for."""
    selector = found.get("Selector", "")
    yield f"{found['Name']}{selector}"
    if "ARN" in found:
        yield f"{found['ARN']}{selector}"


def _parameter(name: str, found: Response) -> Parameter:
    return Parameter(name, found["Value"], secret=found["Type"] == "SecureString")
