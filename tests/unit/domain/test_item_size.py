"""The size of an item by DynamoDB's published rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from blackcat.domain.item import stored
from blackcat.domain.item_size import MAX_ITEM_SIZE, item_size
from blackcat.errors import InvalidItem
from blackcat.resources import TableResource


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        ("São", 4),
        (b"abc", 3),
        (0, 1),
        (-123, 3),
        (Decimal("0.00012"), 2),
        (10**37, 2),
        ({"a", "bc"}, 3),
        ([], 3),
        (["ab", True], 3 + 2 + 3),
        ({"ab": "c"}, 3 + 1 + 3),
    ],
)
def test_a_value_counts_with_its_name(value: Any, size: int) -> None:
    assert item_size({"é": value}) == 2 + size


def test_the_largest_item_is_taken() -> None:
    table = TableResource("orders", key="id")
    item = {"id": "1", "x": "y" * (MAX_ITEM_SIZE - 4)}
    assert item_size(stored(item, table)) == MAX_ITEM_SIZE
    with pytest.raises(InvalidItem, match="up to 409600 bytes, not 409601"):
        stored({**item, "id": "12"}, table)
