from typing import Annotated

import punq
from pydantic import SecretStr

from blackcat import FromParameter, FromSecret, Settings, connect
from blackcat.application.secrets import Secret
from services import database


class ShopSettings(Settings):
    db_user: Annotated[str, FromSecret(database, key="username")]
    db_password: Annotated[SecretStr, FromSecret(database, key="password")]
    db_password_as_text: Annotated[str, FromSecret(database, key="password")]
    api_key: Annotated[str, FromParameter("/shop/api_key")]
    a_setting_that_most_set: str = "x"
    maximum: int = 10


def build_container() -> punq.Container:
    container = punq.Container()
    container.register(ShopSettings, instance=ShopSettings())
    container.register(Secret, instance=connect(database))
    return container
