import logging
import time
from datetime import timedelta

from blackcat import Message, Reject, Retry

log = logging.getLogger("shop")


class Orders:
    def __call__(self, order: dict, message: Message) -> None:
        if order.get("rejected"):
            raise Reject(order["rejected"])
        if order.get("again"):
            raise Retry("not yet", after=timedelta(0))
        if seconds := order.get("seconds"):
            time.sleep(seconds)
        log.info("order.done", extra={"fields": {"id": order["id"], "lease": message.lease.held}})
