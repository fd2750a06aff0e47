"""The driving side: what starts Blackcat, and the only place where parts are put together."""

from blackcat.infra.settings.stores import Place, Stores, read_with


def open_stores(place: Place) -> Stores:
    """Secrets Manager and SSM Parameter Store, for settings."""
    from blackcat.entrypoints.connections import stores  # only a setting that is kept in AWS pays for boto3

    return stores(place)


read_with(open_stores)
