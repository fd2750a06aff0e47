"""A process with a pool, as a service has it: ``python borrower.py POOL SECRET``; a command a line.

``ask`` prints what tells its connection from others, or the error; ``fork`` does so in a child that ends as
processes do; ``cycle`` shows the same from within a block.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import blackcat
from blackcat import PoolLimits


def ask() -> str:
    try:
        with borrowed() as lent:
            return identity(lent)
    except blackcat.BlackcatError as error:
        return f"{type(error).__name__}: {error}"


def borrowed() -> Any:
    return pool.database() if kind == "mongo" else pool.connection()


def identity(lent: Any) -> str:
    if kind == "mongo":
        return f"{lent.command('ping')} {id(lent.client)}"
    return str(lent.execute("SELECT pg_backend_pid()").fetchone()[0])


def fork() -> None:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print(ask(), flush=True)
        sys.exit()  # with all that an interpreter frees at its end
    os.waitpid(child, 0)


kind, secret = sys.argv[1:]
pool: Any = getattr(blackcat, f"{kind}_pool")(
    secret, tls="disable", limits=PoolLimits(size=1, check_after=timedelta(seconds=1))
)
for line in sys.stdin:
    if line.strip() == "fork":
        fork()
    elif line.strip() == "fork within":
        with borrowed() as held:
            print(identity(held), flush=True)
            fork()
            print(identity(held), flush=True)
    else:
        print(ask(), flush=True)
