"""What Flask takes, from what a view returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any

from flask import jsonify
from werkzeug.wrappers import Response

from blackcat.entrypoints.rest_api.answers import ANY_SUCCESS, Answer

_SENT_AS_IT_IS = (Response, str, bytes, bytearray, Iterator)


def response_of(result: Any, answers: Mapping[str, Answer]) -> Any:
    """Text, streams and responses as they are; everything else becomes JSON.

    None is ``null`` where the annotation has it beside something else, and no content where it stands
    alone. Raises TypeError for a None that the annotation does not have.
    """
    if type(result) is tuple:
        return _with_status(result, answers)
    return _without_status(answers) if result is None else _content(result)


def _with_status(result: tuple[Any, ...], answers: Mapping[str, Answer]) -> tuple[Any, ...]:
    content, *rest = result
    if content is not None:
        return (_content(content), *rest)
    status = str(int(rest[0])) if rest and isinstance(rest[0], int) else "200"
    answer = answers.get(status) or answers.get(ANY_SUCCESS, Answer())
    return (jsonify(None) if answer.nullable else "", *rest)


def _without_status(answers: Mapping[str, Answer]) -> Any:
    if answers.get("200", Answer()).nullable:
        return jsonify(None)
    if answers.get("204", Answer()).implied:
        return "", HTTPStatus.NO_CONTENT
    raise TypeError(
        "the view returned None, which its annotation does not have: '-> None' is a 204, and "
        "'-> Order | None' a null"
    )


def _content(result: Any) -> Any:
    if type(result) is dict:  # most are, and asking for an Iterator takes longer
        return jsonify(result)
    if isinstance(result, _SENT_AS_IT_IS) and not isinstance(result, Enum):
        return result
    if callable(result) and not hasattr(type(result), "__dataclass_fields__"):  # a WSGI application
        return result
    return jsonify(result)
