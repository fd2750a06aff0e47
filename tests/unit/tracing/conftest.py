import pytest

from blackcat.entrypoints.traces import recorded_spans


@pytest.fixture
def spans():
    with recorded_spans() as spans:
        yield spans
