from blackcat.resources import TableResource
from blackcat.testing import InMemoryTable

deposits = InMemoryTable(TableResource("deposits", key="id"))
