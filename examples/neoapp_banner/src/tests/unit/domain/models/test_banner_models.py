"""What could never be a banner is refused by its shape."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from .....domain.models.banner_models import CreateBanner

GOOD = {
    "banner_id": "summer-sale",
    "title": "  Summer sale ",
    "image_url": "https://example.com/a.png",
    "starts_at": "2030-01-01T00:00:00Z",
    "ends_at": "2030-02-01T00:00:00-03:00",
}


def test_what_is_not_said_has_a_default_and_a_title_no_space_around_it() -> None:
    wanted = CreateBanner.model_validate(GOOD)
    assert (wanted.title, wanted.audience, wanted.priority) == ("Summer sale", "everyone", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"banner_id": "Summer sale"},
        {"title": "  "},
        {"title": "x" * 81},
        {"image_url": "javascript:alert(1)"},
        {"audience": "nobody"},
        {"priority": 101},
        {"starts_at": "2030-01-01T00:00:00"},  # of which time zone?
    ],
)
def test_what_could_never_be_a_banner_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CreateBanner.model_validate({**GOOD, **wrong})
