"""Banners over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter

from ....domain.models.banner_models import Audience, Banner, CreateBanner, SuggestedTitle, SuggestTitle
from ....domain.operations.banner_operations import BannerOperations
from ...utils import Given

Operations = Annotated[BannerOperations, Given(BannerOperations)]

router = APIRouter(prefix="/banner", tags=["banner"])


@router.post("", status_code=HTTPStatus.CREATED)
def create(wanted: CreateBanner, operations: Operations) -> Banner:
    """Create a banner; asking again with the same values gives the same banner."""
    return operations.create(wanted)


@router.get("")
def shown(operations: Operations, audience: Audience = "everyone") -> list[Banner]:
    """What an audience sees now, the most important first."""
    return operations.shown_to(audience)


@router.get("/{banner_id}")
def get(banner_id: str, operations: Operations) -> Banner:
    """One banner, whether it is shown now or not."""
    return operations.get(banner_id)


@router.delete("/{banner_id}", status_code=HTTPStatus.NO_CONTENT)
def withdraw(banner_id: str, operations: Operations) -> None:
    """No longer show it."""
    operations.withdraw(banner_id)


@router.post("/title")
def suggest_title(wanted: SuggestTitle, operations: Operations) -> SuggestedTitle:
    """A title for what the banner is about."""
    return operations.suggest_title(wanted)
