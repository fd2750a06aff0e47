from services import orders

from blackcat import Reject, connect


def place_order(order: dict) -> None:
    if order.get("card") == "slow":
        raise TimeoutError("the card's issuer timed out")
    if order.get("refused"):
        raise Reject("no such customer")
    connect(orders).save({"id": str(order["id"])})


def remind(reminder: dict) -> None:
    pass
