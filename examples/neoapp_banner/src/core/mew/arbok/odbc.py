"""A database through ODBC: one pool per process, by the secret that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import blackcat

from ....config import Settings
from ..config import settings_of

if TYPE_CHECKING:
    from blackcat.arbok.odbc import OdbcPool


def pool() -> OdbcPool:
    """Nothing is called before a connection is borrowed. It needs the extra ``blackcat[odbc]``."""
    settings = settings_of(Settings)
    return blackcat.odbc_pool(
        settings.odbc_secret, tls=settings.database_tls, ca_file=settings.database_ca_file
    )
