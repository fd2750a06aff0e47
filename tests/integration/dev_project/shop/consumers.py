import os
import time
from typing import Any

VERSION = "v1"


def handle_order(order: dict[str, Any]) -> None:
    if order.get("crash"):
        os._exit(3)
    print(f"began {order['id']}")
    time.sleep(order.get("seconds", 0))
    print(f"handled {order['id']} {VERSION}.")
