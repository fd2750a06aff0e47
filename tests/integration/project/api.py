import time
from logging import getLogger

from container import Shop, ShopSettings
from flask import Blueprint, request
from pydantic import BaseModel, PositiveInt

blueprint = Blueprint("orders", __name__)
log = getLogger("shop")


class NewOrder(BaseModel):
    amount: PositiveInt


@blueprint.post("/orders")
def order(body: NewOrder, shop: Shop):
    return {"amount": body.amount}, 201


@blueprint.get("/slow")
def slow():
    log.info("slow.began")
    time.sleep(2)
    return {"done": True}


@blueprint.get("/leak")
def leak(settings: ShopSettings):
    log.info("request.headers", extra={"fields": {"headers": dict(request.headers)}})
    raise RuntimeError(f"the key {settings.shop_api_key.get_secret_value()} was refused")
