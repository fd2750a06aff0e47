import os
import time
from logging import getLogger
from pathlib import Path
from threading import Event

from flask import Blueprint, request
from pydantic import BaseModel

blueprint = Blueprint("shop", __name__)
log = getLogger("shop")


class Order(BaseModel):
    sku: str


@blueprint.get("/pid")
def pid():
    return {"pid": os.getpid()}


@blueprint.get("/slow")
def slow():
    log.info("slow.began")
    time.sleep(1)
    return {"done": True}


@blueprint.get("/stuck")
def stuck():
    wait_for_what_never_comes()


def wait_for_what_never_comes():
    log.info("stuck.began")
    Event().wait()


@blueprint.post("/orders")
def order(body: Order):
    return {"sku": body.sku}, 201


@blueprint.post("/raw")
def raw():
    return {"bytes": len(request.get_data())}


@blueprint.get("/exit/<int:status>")
def leave(status):
    os._exit(status)


def database():
    if Path(os.environ["OUTAGE"]).exists():
        raise ConnectionError(f"no route to {os.environ['OUTAGE_AT']}")


def cache():
    """Fine, always."""
