from services import orders

from blackcat import connect


def place_order(order: dict) -> None:
    connect(orders).save(order)
