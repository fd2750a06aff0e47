from container import ShopSettings
from flask import Blueprint
from handlers import spill

from blackcat.application.secrets import Secret

blueprint = Blueprint("shop", __name__)


@blueprint.get("/spill")
def spilled(settings: ShopSettings, secret: Secret) -> None:
    spill(settings, secret)
