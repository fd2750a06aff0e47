"""What may be asked for in a queue: one command each function."""

from __future__ import annotations

from ..models.banner_models import CreateBanner, WithdrawBanner
from ..operations.banner_operations import BannerOperations


def create_banner(wanted: CreateBanner, operations: BannerOperations) -> None:
    operations.create(wanted)


def withdraw_banner(wanted: WithdrawBanner, operations: BannerOperations) -> None:
    operations.withdraw(wanted.banner_id)
