"""Checks of tables in AWS against their declaration."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account, DescribedIndex, DescribedKeys, DescribedTable
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.reading import read
from blackcat.resources import TableIndex, TableResource

# A table that is being changed still serves.
_USABLE = ("ACTIVE", "UPDATING")


def table_in_aws(table: TableResource, account: Account) -> Results:
    """The table with its indexes, which are there and as they were declared."""
    subject = f"table '{table.name}'"
    actual = yield from read(subject, lambda: account.table(table), rules.TABLE_MISSING)
    if actual is None:
        return
    yield from _state(subject, actual.status)
    yield from _keys(subject, _declared(table), actual.keys)
    if not actual.billed_per_request:
        yield rules.BILLING_DIFFERS.found(subject, "its capacity is provisioned")
    yield from _time_to_live(table, account)
    yield from _indexes(table, actual)


def _time_to_live(table: TableResource, account: Account) -> Results:
    subject = f"table '{table.name}'"
    actual = yield from read(
        f"time to live of {subject}", lambda: account.time_to_live(table), rules.TABLE_MISSING
    )
    if actual and actual.attribute != table.ttl:
        yield rules.TIME_TO_LIVE_DIFFERS.found(
            subject, f"in AWS it is {_named(actual.attribute)}, declared {_named(table.ttl)}"
        )


def _indexes(table: TableResource, actual: DescribedTable) -> Results:
    for index in table.indexes:
        subject = f"index '{index.name}' of table '{table.name}'"
        found = actual.indexes.get(index.name)
        if found is None:
            yield rules.INDEX_MISSING.found(subject, "the table has no such global secondary index")
        else:
            yield from _index(subject, index, found)


def _index(subject: str, declared: TableIndex, actual: DescribedIndex) -> Results:
    yield from _state(subject, actual.status)
    yield from _keys(subject, _declared(declared), actual.keys)
    if actual.projection != "ALL":
        yield rules.INDEX_PROJECTS_LESS.found(subject, f"its projection is {actual.projection}")


def _state(subject: str, status: str) -> Results:
    if status not in _USABLE:
        yield rules.TABLE_NOT_READY.found(subject, f"its state is {status}")


def _keys(subject: str, declared: DescribedKeys, actual: DescribedKeys) -> Results:
    if actual != declared:
        yield rules.KEYS_DIFFER.found(subject, f"in AWS {_told(actual)}, declared {_told(declared)}")


def _declared(keyed: TableResource | TableIndex) -> DescribedKeys:
    sort_key = (keyed.sort_key, keyed.sort_key_type) if keyed.sort_key else None
    return DescribedKeys(key=(keyed.key, keyed.key_type), sort_key=sort_key)


def _named(attribute: str | None) -> str:
    return f"'{attribute}'" if attribute else "off"


def _told(keys: DescribedKeys) -> str:
    parts = [f"{name} ({type_})" for name, type_ in filter(None, (keys.key, keys.sort_key))]
    return " and ".join(parts)
