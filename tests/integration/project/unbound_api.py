from flask import Blueprint
from handlers import NotInTheContainer

blueprint = Blueprint("orders", __name__)


@blueprint.get("/orders")
def orders(missing: NotInTheContainer):
    return {}
