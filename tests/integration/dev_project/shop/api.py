from flask import Blueprint

shop = Blueprint("shop", __name__)


@shop.get("/stock")
def stock() -> dict[str, int]:
    return {"cats": 9}
