"""Banners as messages ask for them."""

from __future__ import annotations

from datetime import timedelta

from .....domain.commands.banner_commands import create_banner, withdraw_banner
from .....domain.models.banner_models import CreateBanner, WithdrawBanner
from .....domain.operations.banner_operations import BannerOperations
from ....fakes import NOON, FixedText, FrozenClock, InMemoryDatabase, ListModerator


def test_a_banner_is_created_and_withdrawn() -> None:
    database = InMemoryDatabase(banners=["banner_id"])
    operations = BannerOperations(FrozenClock(), database, ListModerator(), FixedText())
    wanted = {"banner_id": "summer", "title": "Summer", "image_url": "https://example.com/a.png"}
    period = {"starts_at": NOON, "ends_at": NOON + timedelta(days=1)}
    create_banner(CreateBanner.model_validate({**wanted, **period}), operations)
    assert [banner.banner_id for banner in operations.shown_to("everyone")] == ["summer"]
    withdraw_banner(WithdrawBanner(banner_id="summer"), operations)
    assert operations.shown_to("everyone") == []
