"""Code that shows its secrets in every way that code does by mistake."""

import json
import logging
import urllib.parse
from typing import Any

import structlog
from container import ShopSettings

from blackcat.application.secrets import Secret


def spill(settings: ShopSettings, secret: Secret) -> None:
    password = settings.db_password.get_secret_value()
    dsn = f"postgres://{settings.db_user}:{urllib.parse.quote(password, safe='')}@db/shop"
    log = logging.getLogger("shop")
    log.info("connecting to %s", dsn)
    log.info("settings %r, secret %r, value %r", settings, secret, secret.get())
    log.info("the key is %s", settings.api_key)
    structlog.get_logger().info("connected", body=json.dumps({"p": password}), value=secret.get().json())
    raise RuntimeError(f"login failed for {secret.get().text} with {password!r} and {settings.api_key}")


def take_order(order: dict[str, Any], settings: ShopSettings, secret: Secret) -> None:
    spill(settings, secret)


def report(settings: ShopSettings, secret: Secret) -> None:
    spill(settings, secret)
