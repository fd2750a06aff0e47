"""Refused for the clock, or for the credentials: seen and named, in each service's own shape of error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.adapters.aws_standin import AwsStandin, Call, Refusal, aws_standin, call_every_service

from blackcat.adapters_aws.clock_skew import clock_advice, clock_ahead

SIGNED_WITH_JSON = {"dynamodb", "events", "secretsmanager", "ssm"}
SERVICES = {"sqs", "sns", *SIGNED_WITH_JSON}
CALLS = {"sqs over lean", *SERVICES}
EXPIRED = (
    "Signature expired: 20300101T000000Z is now earlier than 20300101T001534Z (20300101T002034Z - 5 min.)"
)
EARLY = "Signature not yet current: 20300101T030034Z is still later than 20300101T000500Z"


@pytest.fixture
def standin() -> Iterator[AwsStandin]:
    with aws_standin() as running:
        yield running


@pytest.mark.parametrize(
    ("ahead", "message", "said"),
    [
        (
            timedelta(minutes=20, seconds=34),
            EXPIRED,
            r"clock is 0:20:3\d \(.*\) behind AWS's: let NTP set it",
        ),
        (-timedelta(hours=3, seconds=34), EARLY, r"clock is 3:00:3\d \(.*\) ahead of AWS's: let NTP set it"),
    ],
    ids=["behind", "ahead"],
)
def test_a_wrong_clock_is_named(standin: AwsStandin, ahead: timedelta, message: str, said: str) -> None:
    def refuse(call: Call) -> Refusal | None:
        code = "InvalidSignatureException" if call.service in SIGNED_WITH_JSON else "SignatureDoesNotMatch"
        return None if call.service == "sts" else Refusal(code, message)

    standin.ahead, standin.refuse = ahead, refuse
    problems = call_every_service(AWS_ENDPOINT_URL=standin.url)["problems"]
    for call in CALLS:
        (problem,) = problems[call]
        assert problem.startswith(f"AccessDenied {call.split()[0]} ")
        assert message.rstrip(".") in problem
        assert re.search(said, problem)


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"])
def test_some_codes_are_about_the_clock_alone(code: str) -> None:
    assert clock_advice(code, "", timedelta(seconds=-70)).startswith("the machine's clock is 0:01:10")
    assert clock_advice(code, "", None) == "the machine's clock and AWS's differ: let NTP set it"


@pytest.mark.parametrize(
    ("ahead", "told"), [(None, False), (timedelta(minutes=4), False), (-timedelta(minutes=5), True)]
)
def test_a_wrong_signature_is_about_the_clock_when_that_is_far_off(
    ahead: timedelta | None, told: bool
) -> None:
    message = "The request signature we calculated does not match the signature you provided."
    assert bool(clock_advice("SignatureDoesNotMatch", message, ahead)) is told


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": ""}])
def test_an_answer_without_a_date_tells_nothing_of_the_clock(headers: dict[str, str]) -> None:
    assert clock_ahead(headers) is None


# Credentials


def refusal_of_credentials(call: Call) -> Refusal:
    codes = {"sqs": "InvalidClientTokenId", "sns": "ExpiredToken", "sts": "ExpiredToken"}
    return Refusal(codes.get(call.service, "UnrecognizedClientException"), "The security token is invalid.")


def test_refused_credentials_are_replaced_within_the_call(standin: AwsStandin) -> None:
    asked = Counter[str]()

    def refuse(call: Call) -> Refusal | None:
        """Every other one, so that every call needs another attempt."""
        asked[call.service] += 1
        return refusal_of_credentials(call) if asked[call.service] % 2 else None

    standin.refuse = refuse
    problems = call_every_service(**_in_a_container(standin))["problems"]
    assert problems == {call: [""] for call in CALLS | {"sts"}}
    assert standin.keys("sts") == ["AKID1", "AKID2"]
    assert {standin.keys(service)[0] for service in SERVICES} == {"AKID2"}


def test_credentials_that_stay_refused_may_be_accepted_later(standin: AwsStandin) -> None:
    standin.refuse = lambda call: None if call.service == "sts" else refusal_of_credentials(call)
    problems = call_every_service(**_in_a_container(standin))["problems"]
    for call in CALLS:
        (problem,) = problems[call]
        assert problem.startswith(f"ServiceUnavailable {call.split()[0]} ")
        assert "The security token is invalid; AWS refuses the process's credentials" in problem


def test_credentials_that_were_given_once_stay_refused(standin: AwsStandin) -> None:
    standin.refuse = lambda call: None if call.service == "sts" else refusal_of_credentials(call)
    problems = call_every_service(AWS_ENDPOINT_URL=standin.url)["problems"]
    assert problems["sns"][0].startswith("AccessDenied")
    assert "the credentials have expired; renew them" in problems["sns"][0]
    assert "check the access key" in problems["dynamodb"][0]
    assert [call.service for call in standin.calls].count("dynamodb") == 1


def test_a_role_that_may_not_be_taken_is_told_apart(standin: AwsStandin, tmp_path: Path) -> None:
    message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    standin.refuse = lambda call: Refusal("AccessDenied", message)
    token = tmp_path / "token"
    token.write_text("a-token")
    problems = call_every_service(
        AWS_ENDPOINT_URL=standin.url,
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/orders",
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
    )["problems"]
    for (problem,) in (problems["sqs"], problems["sqs over lean"]):
        assert problem.startswith("AccessDenied sqs GetQueueUrl on 'orders' (AccessDenied): AssumeRoleWith")
        assert message in problem
        assert "trust policy" in problem
    assert {call.operation for call in standin.calls} == {"AssumeRoleWithWebIdentity"}


def _in_a_container(standin: AwsStandin) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": standin.url,
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{standin.url}/credentials",
    }
