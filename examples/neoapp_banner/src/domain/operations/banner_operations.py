"""When a banner may be created, and who sees which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...core.utils.notations import Clock, Database, Moderator, TextGenerator
from ..models.banner_models import (
    Audience,
    Banner,
    BannerNotFound,
    BannerRefused,
    CreateBanner,
    SuggestedTitle,
    SuggestTitle,
)

LONGEST_PERIOD = timedelta(days=90)
LONGEST_TITLE = 80
TABLE = "banners"
TASK = "Write one title for a banner in an app: at most 60 characters, no quotation marks, nothing else."


@dataclass(frozen=True)
class BannerOperations:
    clock: Clock
    database: Database
    moderator: Moderator
    writer: TextGenerator

    def create(self, wanted: CreateBanner) -> Banner:
        """Asking again with the same values gives the same banner. Raises BannerRefused."""
        check_period(wanted.starts_at, wanted.ends_at, self.clock.now())
        objections = self.moderator.objections(wanted.title)
        if objections:
            raise BannerRefused(f"the title cannot be shown: {', '.join(objections)}")
        banner = Banner(**wanted.model_dump(mode="python") | {"image_url": str(wanted.image_url)})
        with self.database.transaction() as records:
            if records.add(TABLE, banner.model_dump()):
                return banner
            [kept] = records.find(TABLE, ("banner_id", "=", banner.banner_id))
        if Banner(**kept) != banner:
            raise BannerRefused(f"there is another banner '{banner.banner_id}': choose another banner_id")
        return banner

    def get(self, banner_id: str) -> Banner:
        with self.database.transaction() as records:
            found = records.find(TABLE, ("banner_id", "=", banner_id))
        if not found:
            raise BannerNotFound(f"there is no banner '{banner_id}'")
        return Banner(**found[0])

    def shown_to(self, audience: Audience) -> list[Banner]:
        """What this audience sees now, the most important first."""
        now = self.clock.now()
        with self.database.transaction() as records:
            rows = records.find(TABLE, ("starts_at", "<=", now), ("ends_at", ">", now))
        return in_order(banner for row in rows if is_for(banner := Banner(**row), audience))

    def withdraw(self, banner_id: str) -> None:
        """It is no longer shown from now on. Withdrawing twice is no mistake. Raises BannerNotFound."""
        banner, now = self.get(banner_id), self.clock.now()
        # A banner that has not begun ends as it begins: its period stays one.
        end = max(now, banner.starts_at)
        with self.database.transaction() as records:
            records.change(TABLE, {"ends_at": end}, ("banner_id", "=", banner_id), ("ends_at", ">", end))

    def suggest_title(self, wanted: SuggestTitle) -> SuggestedTitle:
        text = self.writer.write(task=TASK, about=wanted.about)
        return SuggestedTitle(title=text.strip().strip("\"'")[:LONGEST_TITLE])


def check_period(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises BannerRefused."""
    if ends_at <= starts_at:
        raise BannerRefused("ends_at must be later than starts_at")
    if ends_at <= now:
        raise BannerRefused("ends_at is over already: nobody would see the banner")
    if ends_at - starts_at > LONGEST_PERIOD:
        raise BannerRefused(f"a banner is shown for at most {LONGEST_PERIOD.days} days")


def is_for(banner: Banner, audience: Audience) -> bool:
    return banner.audience in ("everyone", audience)


def in_order(banners: Iterable[Banner]) -> list[Banner]:
    """The most important first; of equals, the one that ends sooner."""
    return sorted(banners, key=lambda banner: (-banner.priority, banner.ends_at, banner.banner_id))
