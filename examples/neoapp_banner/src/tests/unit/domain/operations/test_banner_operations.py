"""Who sees which banner, when, and which may never be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .....domain.models.banner_models import (
    Audience,
    BannerNotFound,
    BannerRefused,
    CreateBanner,
    SuggestTitle,
)
from .....domain.operations.banner_operations import BannerOperations
from ....fakes import NOON, FixedText, FrozenClock, InMemoryDatabase, ListModerator

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def banners(clock: FrozenClock) -> BannerOperations:
    moderator = ListModerator({"blood": "violence/graphic"})
    return BannerOperations(
        clock, InMemoryDatabase(banners=["banner_id"]), moderator, FixedText(' "Summer" ')
    )


def wanted(banner_id: str = "summer", **fields: Any) -> CreateBanner:
    period = {"starts_at": NOON, "ends_at": NOON + DAY}
    shown = {"title": "Summer sale", "image_url": "https://example.com/a.png"}
    return CreateBanner(**{"banner_id": banner_id, **shown, **period, **fields})


def shown(banners: BannerOperations, audience: Audience) -> list[str]:
    return [banner.banner_id for banner in banners.shown_to(audience)]


def test_a_banner_is_shown_from_its_beginning_until_just_before_its_end(
    banners: BannerOperations, clock: FrozenClock
) -> None:
    banners.create(wanted(starts_at=NOON + DAY, ends_at=NOON + 2 * DAY))
    assert shown(banners, "visitors") == []
    clock.advance(days=1)
    assert shown(banners, "visitors") == ["summer"]
    clock.advance(days=1)
    assert shown(banners, "visitors") == []


def test_an_audience_sees_what_is_for_it_and_what_is_for_everyone(banners: BannerOperations) -> None:
    for audience in ("everyone", "visitors", "customers"):
        banners.create(wanted(f"for-{audience}", audience=audience))
    assert shown(banners, "visitors") == ["for-everyone", "for-visitors"]
    assert shown(banners, "customers") == ["for-customers", "for-everyone"]
    assert shown(banners, "everyone") == ["for-everyone"]


def test_the_most_important_comes_first_and_then_what_ends_sooner(banners: BannerOperations) -> None:
    banners.create(wanted("late", ends_at=NOON + 3 * DAY))
    banners.create(wanted("soon", ends_at=NOON + 2 * DAY))
    banners.create(wanted("important", priority=9, ends_at=NOON + 9 * DAY))
    assert shown(banners, "everyone") == ["important", "soon", "late"]


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "reason"),
    [
        (NOON, NOON, "later than starts_at"),
        (NOON - 2 * DAY, NOON - DAY, "over already"),
        (NOON, NOON + 91 * DAY, "at most 90 days"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(
    banners: BannerOperations, starts_at: object, ends_at: object, reason: str
) -> None:
    with pytest.raises(BannerRefused, match=reason):
        banners.create(wanted(starts_at=starts_at, ends_at=ends_at))
    assert shown(banners, "everyone") == []


def test_a_title_that_cannot_be_shown_is_refused_with_what_speaks_against_it(
    banners: BannerOperations,
) -> None:
    with pytest.raises(BannerRefused, match="violence/graphic"):
        banners.create(wanted(title="blood everywhere"))


def test_asking_twice_creates_one_banner_and_another_under_its_name_is_refused(
    banners: BannerOperations,
) -> None:
    first = banners.create(wanted())
    assert banners.create(wanted()) == first
    with pytest.raises(BannerRefused, match="another banner 'summer'"):
        banners.create(wanted(title="Winter sale"))
    assert banners.get("summer").title == "Summer sale"


def test_a_withdrawn_banner_is_no_longer_shown(banners: BannerOperations) -> None:
    banners.create(wanted())
    banners.create(wanted("later", starts_at=NOON + DAY, ends_at=NOON + 2 * DAY))
    for name in ("summer", "summer", "later"):
        banners.withdraw(name)
    assert shown(banners, "everyone") == []
    assert banners.get("later").ends_at == NOON + DAY
    with pytest.raises(BannerNotFound, match="no banner 'winter'"):
        banners.withdraw("winter")


def test_a_suggested_title_has_no_quotation_marks_and_fits(banners: BannerOperations) -> None:
    assert banners.suggest_title(SuggestTitle(about="our summer sale")).title == "Summer"
