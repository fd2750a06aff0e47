"""What a view answers, told from its return annotation."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from inspect import isroutine
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from werkzeug.wrappers import Response

JSON = "application/json"
_TEXT = "text/html"  # as Flask sends what is only text
# A status that is not in the annotation is one of success: errors are raised.
ANY_SUCCESS = "2XX"
_NONE = type(None)
_NO_CONTENT = str(HTTPStatus.NO_CONTENT.value)


@dataclass(frozen=True)
class Answer:
    """The content of one status; no content type where the annotation does not tell.

    ``annotation`` is of what is JSON, ``nullable`` whether that may be null. ``implied`` is a 204 that the
    annotation calls None.
    """

    annotation: Any = None
    content_types: tuple[str, ...] = ()
    nullable: bool = False
    implied: bool = False


def answers_of(view: Callable[..., Any]) -> dict[str, Answer]:
    """By status: ``-> Payment`` is a 200, ``-> tuple[Payment, Literal[201]]`` a 201, unions several.

    Behind a status that is an ``int``, and in a ``Response``, is any success. ``None`` is a 204 unless
    there is another 200.
    """
    found: dict[str, list[Any]] = {}
    for content, status in _alternatives(_returned(view)):
        found.setdefault(status, []).append(content)
    answers = {status: _answer(contents, status) for status, contents in found.items()}
    if _NONE in found.get("200", ()) and not answers["200"].content_types:
        del answers["200"]
        answers[_NO_CONTENT] = Answer(implied=True)
    return dict(sorted(answers.items()))


def _returned(view: Callable[..., Any]) -> Any:
    call = view if isroutine(view) else type(view).__call__
    try:
        return get_type_hints(call, include_extras=True).get("return", Response)
    except NameError:  # imported under TYPE_CHECKING only
        return Response


def _alternatives(annotation: Any) -> Iterator[tuple[Any, str]]:
    for member in _members(annotation):
        if get_origin(member) is tuple:
            content, *rest = get_args(member)
            for status in _statuses(rest[0] if rest else None):
                yield from ((one, status) for one in _members(content))
        else:
            yield member, ANY_SUCCESS if _is_response(member) else "200"


def _members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield _NONE if annotation is None else annotation


def _statuses(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(int(status)) for status in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, int):
        return [ANY_SUCCESS]
    return ["200"]  # (content, headers)


def _answer(contents: list[Any], status: str) -> Answer:
    known = [content for content in contents if not _is_response(content)]
    if status == _NO_CONTENT or all(content is _NONE for content in known):
        return Answer()
    in_json = [content for content in known if not _is_text(content)]
    return Answer(
        annotation=Union[tuple(in_json)] if in_json else None,  # noqa: UP007 - known at run time only
        content_types=(*([JSON] if in_json else ()), *([_TEXT] if len(in_json) < len(known) else ())),
        nullable=_NONE in in_json,
    )


def _is_response(annotation: Any) -> bool:
    return annotation in (Any, tuple) or (isinstance(annotation, type) and issubclass(annotation, Response))


def _is_text(annotation: Any) -> bool:
    """Whether Flask sends it as it is: text, bytes, and what yields them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_text(get_args(annotation)[0])
    if origin is Literal:
        return all(_is_text(type(value)) for value in get_args(annotation))
    kind = origin or getattr(annotation, "__supertype__", annotation)  # of a NewType
    return (
        isinstance(kind, type)
        and issubclass(kind, str | bytes | bytearray | Iterator | Generator)
        and not issubclass(kind, Enum)
    )
