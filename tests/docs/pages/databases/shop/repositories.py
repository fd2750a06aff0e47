from typing import Any


class OrderRepository:
    def __init__(self, pool: Any) -> None:
        self.pool = pool
