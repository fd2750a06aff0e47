import os
import time
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from container import Shop, ShopSettings

from blackcat import Message, Reject, metrics

log = getLogger("shop")


class NotInTheContainer:
    pass


@dataclass
class Order:
    id: int
    sleep: float = 0
    fails: int = 0
    rejected: str = ""
    text: str = ""


@dataclass(frozen=True)
class OrderConsumer:
    shop: Shop
    settings: ShopSettings

    def __call__(self, order: Order, message: Message) -> None:
        log.info("order.began", extra={"fields": {"order": order.id}})
        time.sleep(order.sleep)
        if message.receive_count <= order.fails:
            key = self.settings.shop_api_key.get_secret_value()
            raise RuntimeError(f"the key {key} was refused")
        if order.rejected:
            raise Reject(order.rejected)
        metrics.count("orders_done", shop="a")
        log.info("order.done", extra={"fields": {"order": order.id, "length": len(order.text)}})


@dataclass(frozen=True)
class Unbound:
    missing: NotInTheContainer

    def __call__(self, order: Order) -> None: ...


def handle_in_order(order: Order, message: Message) -> None:
    if message.receive_count <= order.fails:
        raise RuntimeError("not yet")
    log.info("order.done", extra={"fields": {"order": order.id, "group": message.group_id}})


def handle_anything(payload: dict) -> None: ...


def kill_the_poller(message: Message, call_next: Any) -> Any:
    # What a bug in Blackcat itself would do: an exception where none is expected.
    from blackcat.application.consumer.pollers import Pollers

    def broken(self: Any, permits: int) -> None:
        raise AssertionError("a bug in the poller")

    Pollers._poll = broken  # type: ignore[method-assign]
    return call_next(message)


def job(shop: Shop) -> None:
    log.info("job.done")


def failing_job() -> None:
    raise ValueError("nothing to do")


def long_job() -> None:
    log.info("job.began", extra={"fields": {"pid": os.getpid()}})
    time.sleep(2)
    log.info("job.done")
