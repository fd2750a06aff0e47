"""What looking at single values does not find: what is not for production, and misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from blackcat.application.dev.account import checked_endpoint
from blackcat.errors import ConfigurationError
from blackcat.infra.settings.problems import Problem

ALLOW = "ALLOW_SETTINGS"

# Names that share less are rather somebody else's.
_SIMILARITY = 0.88
_FIRST_WORD_SIMILARITY = 0.8
_SHORTEST_WORD = 6
# What others read.
_KNOWN_TO_OTHERS = {"LOGLEVEL", "LOG_LEVELS", "SERVICE_NAMES", "AWS_REGIONS"}
_UNITS = ("_SECONDS", "_BYTES")
_OTHER_UNITS = ("", "_S", "_SEC", "_SECS", "_SECOND", "_MS", "_MIN", "_MINUTES", "_BYTE", "_KB", "_MB")


def allowed(names: str) -> frozenset[str]:
    """The variables that ALLOW_SETTINGS names."""
    return frozenset(name.strip().upper() for name in names.split(",") if name.strip())


def is_for_development(variable: str, value: Any) -> bool:
    """Whether such a value has no place in production."""
    if variable == "AWS_ENDPOINT_URL" or variable.startswith("AWS_ENDPOINT_URL_"):
        return bool(value) and not _leads_to_aws(variable, value)
    return (variable, value) in {
        ("AWS_DRY_RUN", True),
        ("API_SERVER", "development"),
        ("LOG_LEVEL", "DEBUG"),
    }


def refusal(variable: str) -> str:
    return f"this value is for development, and ENVIRONMENT is prod: unset it, or name {variable} in {ALLOW}"


def endpoint_problems(told: Mapping[str, str], environment: str | None) -> Iterator[Problem]:
    """AWS_ENDPOINT_URL_SQS and the like, which are no settings of ours, in production."""
    if environment != "prod":
        return
    for variable, value in told.items():
        if variable.startswith("AWS_ENDPOINT_URL_") and is_for_development(variable, value):
            yield Problem(refusal(variable), variable)


def misspelled(told: Iterable[str], own: frozenset[str], known: Collection[str]) -> Iterator[Problem]:
    """Variables that are none of ``known``, and were surely meant to be one of ``own``.

    A false alarm would keep a service from starting, so it takes a near miss: the same first word, or
    nearly; a letter or two off in the rest, or another unit; an underscore less, or an S more. A name
    that holds one of ours whole in another way, such as DD_SERVICE_NAME, is somebody else's.
    """
    for variable in told:
        meant = None if variable in known else _meant(variable, own)
        if meant:
            yield Problem(
                f"did you mean {meant}? If not, name it in {ALLOW}", variable, verb="is not read by Blackcat"
            )


@lru_cache(maxsize=1024)
def _meant(variable: str, own: frozenset[str]) -> str | None:
    if variable in _KNOWN_TO_OTHERS:
        return None
    if joined := next((name for name in sorted(own) if _is_joined_or_plural(variable, name)), None):
        return joined
    if any(name in variable for name in own if len(name) > _SHORTEST_WORD):
        return None
    return next((name for name in sorted(own) if name[0] == variable[0] and _is_near(variable, name)), None)


def _is_joined_or_plural(variable: str, name: str) -> bool:
    return "_" in name and (variable.replace("_", "") == name.replace("_", "") or variable == f"{name}S")


def _is_near(variable: str, name: str) -> bool:
    for unit in _UNITS:
        if name.endswith(unit) and variable in {name.removesuffix(unit) + other for other in _OTHER_UNITS}:
            return True
    words, meant = variable.split("_"), name.split("_")
    if len(meant) == 1 or len(words) == 1:
        return len(meant) == len(words) and _alike(variable, name) and len(name) > _SHORTEST_WORD
    return _similar(variable, name) >= _SIMILARITY and _alike(words[0], meant[0])


def _alike(word: str, meant: str) -> bool:
    return word == meant or (len(meant) >= _SHORTEST_WORD and _similar(word, meant) >= _FIRST_WORD_SIMILARITY)


def _similar(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _leads_to_aws(variable: str, url: str) -> bool:
    # A VPC endpoint, say. What is no address at all is refused by whoever calls it.
    try:
        checked_endpoint(variable, url)
    except ConfigurationError:
        return True
    return False
