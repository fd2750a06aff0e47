"""Payloads decoded and validated by an annotation, with pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from blackcat.application.ports import Decoder
from blackcat.domain.message import Message
from blackcat.errors import DecodingError, EntrypointError


def decoder_for(annotation: Any, *, subject: str) -> Decoder | None:
    """The decoder for a payload's annotation; None for Message, which is handed over as it is.

    ``str`` takes the body as text; everything else (pydantic models, dataclasses, TypedDicts, dict,
    ...) is read from JSON and validated. Raises EntrypointError for what pydantic cannot read.
    """
    if annotation is Message:
        return None
    return _as_text if annotation is str else json_decoder_for(annotation, subject=subject)


def json_decoder_for(annotation: Any, *, subject: str) -> Decoder:
    """The decoder for what is JSON in any case: a ``str`` is read from a JSON string.

    Raises EntrypointError for what pydantic cannot read.
    """
    adapter = _adapter(annotation, subject)

    def decode(body: str) -> Any:
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            raise payload_error(error) from error
        except MemoryError:  # the next attempt may find more
            raise
        except Exception as error:  # the payload's own code failed; its text may hold a value
            raise DecodingError(f"{type(error).__name__} while it was validated") from error

    return decode


def mapping_decoder_for(annotation: Any, *, subject: str) -> Any:
    """A function from a mapping of texts, such as a query string's, to what the annotation says."""
    adapter = _adapter(annotation, subject)

    def decode(values: Mapping[str, Any]) -> Any:
        try:
            return adapter.validate_python(dict(values))
        except ValidationError as error:
            raise payload_error(error) from error
        except Exception as error:
            raise DecodingError(f"{type(error).__name__} while it was validated") from error

    return decode


def payload_error(error: ValidationError) -> DecodingError:
    """What is wrong with each field, without the values; a validator's own text is told as it is."""
    problems = dict(map(_problem, error.errors(include_input=False, include_url=False)))
    text = "; ".join(f"{field}: {message}" if field else message for field, message in problems.items())
    return DecodingError(text, fields={field: message for field, message in problems.items() if field})


def _adapter(annotation: Any, subject: str) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except PydanticUserError as error:
        raise EntrypointError(
            f"{subject}: pydantic cannot read the payload's annotation: {error.message}"
        ) from error


def _as_text(body: str) -> str:
    return body


def _problem(problem: ErrorDetails) -> tuple[str, str]:
    """The field and what is wrong with it; of a tagged union, the tag's field, which pydantic only quotes."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind not in ("union_tag_invalid", "union_tag_not_found"):
        return _path(problem["loc"]), problem["msg"]
    field = context["discriminator"].strip("'")
    missing = kind == "union_tag_not_found"
    message = "Field required" if missing else f"Input should be one of {context['expected_tags']}"
    return _path((*problem["loc"], field)), message


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
