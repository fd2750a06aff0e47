from typing import Any

from flask import Blueprint

from lambda_contenders.events import SHOWN

blueprint = Blueprint("shop", __name__)


@blueprint.get("/items/<int:item>")
def show(item: int) -> dict[str, Any]:
    return SHOWN | {"id": item}
