"""Checks of secrets in AWS; their values are never read."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.reading import read
from blackcat.resources import SecretResource


def secret_in_aws(secret: SecretResource, account: Account) -> Results:
    """The secret, which is there, and is to stay."""
    subject = f"secret '{secret.name}'"
    actual = yield from read(subject, lambda: account.secret(secret), rules.SECRET_MISSING)
    if actual and actual.goes_at:
        yield rules.SECRET_GOES.found(subject, f"its DeletedDate is {actual.goes_at:%Y-%m-%d}")
