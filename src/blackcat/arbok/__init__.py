"""Connection pools for databases; the only package that imports their drivers.

One pool per process, no thread of its own, safe after a fork and after a freeze. ``postgres_pool``,
``odbc_pool`` and ``mongo_pool`` of ``blackcat`` make them; each needs its extra, such as
``pip install "blackcat[postgres]"``.
"""
