"""Banners: what is asked for, what is kept, and what can be wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

Audience = Literal["everyone", "visitors", "customers"]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class CreateBanner(BaseModel):
    """``banner_id`` is chosen by who asks, so that asking twice creates one banner."""

    model_config = ConfigDict(frozen=True)

    banner_id: Identifier
    title: Title
    image_url: HttpUrl
    audience: Audience = "everyone"
    priority: int = Field(default=0, ge=0, le=100)
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class Banner(BaseModel):
    """A banner is shown to its audience from ``starts_at`` until just before ``ends_at``."""

    model_config = ConfigDict(frozen=True)

    banner_id: str
    title: str
    image_url: str
    audience: Audience
    priority: int
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class WithdrawBanner(BaseModel):
    model_config = ConfigDict(frozen=True)

    banner_id: Identifier


class SuggestTitle(BaseModel):
    model_config = ConfigDict(frozen=True)

    about: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class SuggestedTitle(BaseModel):
    model_config = ConfigDict(frozen=True)

    title: str


class BannerNotFound(LookupError):
    """There is no banner of that name."""


class BannerRefused(ValueError):
    """The banner breaks a rule; the text says which."""
