"""Import lines of generated code come out as ruff would leave them."""

import subprocess
import sys
from pathlib import Path

from hypothesis import Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from blackcat.application.scaffolding.imports import tidy_imports

RUFF = Path(sys.executable).with_name("ruff")
SHORT = st.from_regex(r"shop(\.[ab][a019_]{0,4}){1,2}", fullmatch=True)
LONG = st.from_regex(r"shop(\.k[a-z0-9_]{0,30}){1,3}", fullmatch=True)
NAME = st.from_regex("[A-Z][a-z]{1,4}[A-Za-z0-9]{0,50}", fullmatch=True)


def test_lines_are_sorted_plain_imports_first_and_once_each():
    assert tidy_imports(
        "from shop.b import B\n\nfrom services import x\nimport shop\nfrom shop.b import B\n"
    ) == ("import shop\nfrom services import x\nfrom shop.b import B\n")


def test_numbers_in_names_count():
    assert tidy_imports("from shop.v10 import B\nfrom shop.v9 import A\n") == (
        "from shop.v9 import A\nfrom shop.v10 import B\n"
    )


def test_a_line_that_is_too_long_is_wrapped():
    module = "shop." + "x" * 90
    assert tidy_imports(f"from {module} import Order, Payment") == (
        f"from {module} import (\n    Order,\n    Payment,\n)\n"
    )


@limits(max_examples=30, deadline=None, phases=[Phase.generate])  # shrinking would start ruff for minutes
@given(
    st.dictionaries(
        SHORT | LONG, st.lists(NAME, min_size=1, max_size=4, unique=True), min_size=10, max_size=40
    )
)
def test_ruff_has_nothing_to_say(imported):
    block = tidy_imports(
        "\n".join(f"from {module} import {', '.join(names)}" for module, names in imported.items())
    )
    flags = ["--isolated", "--line-length=110", "--config", "lint.isort.known-first-party=['shop']", "-"]
    for command in (["format", "--check"], ["check", "--select=I,E501"]):
        done = subprocess.run(
            [RUFF, *command, *flags], input=block, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
