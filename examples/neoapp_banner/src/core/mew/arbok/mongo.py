"""MongoDB: one pool per process, by the secret that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import blackcat

from ....config import Settings
from ..config import settings_of

if TYPE_CHECKING:
    from blackcat.arbok.mongo import MongoPool


def pool() -> MongoPool:
    """Nothing is called before a connection is borrowed. It needs the extra ``blackcat[mongo]``."""
    settings = settings_of(Settings)
    return blackcat.mongo_pool(
        settings.mongo_secret, tls=settings.database_tls, ca_file=settings.database_ca_file
    )
