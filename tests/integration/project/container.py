from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger

import punq
from pydantic import SecretStr

from blackcat import Settings


class ShopSettings(Settings):
    shop_api_key: SecretStr


class Shop:
    """Something to inject, opened before the service starts and closed after it stopped."""


@contextmanager
def build_container() -> Iterator[punq.Container]:
    container = punq.Container()
    container.register(ShopSettings, instance=ShopSettings())
    container.register(Shop, instance=Shop())
    getLogger("shop").info("shop.opened")
    yield container
    getLogger("shop").info("shop.closed")
