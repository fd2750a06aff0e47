"""What the interfaces of `core/utils/notations.py` are bound to.

Each function makes what its annotation names, at first need and once per process. It imports what it makes:
a request that moderates no text does not pay for the client that would.
"""

from __future__ import annotations

from blackcat import Mew

from ..utils.notations import Clock, Database, Moderator, PaymentGateway, TextGenerator
from .config import settings_of
from .jobs import jobs


def clock() -> Clock:
    from ..utils.helpers import SystemClock

    return SystemClock()


def database() -> Database:
    from .arbok.postgres import database

    return database()


def moderator() -> Moderator:
    from ..services.openai_service import openai

    return openai()


def text_generator() -> TextGenerator:
    from ..services.openai_service import openai

    return openai()


def payment_gateway() -> PaymentGateway:
    from ..services.pagarme_service import pagarme

    return pagarme()


mew = Mew(
    project="neoapp_banner",
    settings=settings_of,
    bindings=[clock, database, moderator, text_generator, payment_gateway],
    jobs=jobs,
)
