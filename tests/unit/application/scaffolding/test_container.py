"""A container gains the bindings that it lacks, and nothing else in the file changes."""

import subprocess
import sys
from pathlib import Path

import pytest

from blackcat.application.scaffolding.container import with_bindings
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.errors import ConfigurationError, InvalidName, NotUnderstood, ProjectError
from cases.sections import sections

RUFF = Path(sys.executable).with_name("ruff")
EXAMPLE = Path(__file__).parents[4] / "examples/payment/payment/infra/container.py"

BINDINGS = Snippet.parse(
    """from shop.application.ports.driven.pay_repository_contracts import PayRepository
from shop.application.ports.driving.pay_usecase_contracts import PayUseCase
from shop.application.usecases.pay_usecase import Pay
from shop.infra.repositories.pay_repository import TablePayRepository

container.register(PayRepository, instance=TablePayRepository())
container.register(PayUseCase, Pay)
"""
)
REPOSITORY = "container.register(PayRepository, instance=TablePayRepository())"
USE_CASE = "container.register(PayUseCase, Pay)"
HEAD = "import punq\n\nfrom shop.infra.config.settings import ShopSettings\n\n\n"

BARE = "def build_container():\n    container = punq.Container()\n    return container\n"
UNDERSTOOD = sections("containers_understood")
LEFT_ALONE = sections("containers_left_alone")


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_what_is_missing_is_bound_and_all_else_stays(case):
    before, after = UNDERSTOOD[case].split("----- becomes\n")

    result = with_bindings(HEAD + before, BINDINGS)

    assert result.endswith(f"\n\n\n{after}")
    assert with_bindings(result, BINDINGS) == result


def test_tabs_line_ends_and_the_missing_newline_are_kept():
    text = (HEAD + BARE).replace("    ", "\t").replace("\n", "\r\n").rstrip()
    result = with_bindings(text, BINDINGS)
    assert result.endswith(
        f"\tcontainer = punq.Container()\r\n\t{REPOSITORY}\r\n\t{USE_CASE}\r\n\treturn container"
    )
    assert "\n" not in result.replace("\r\n", "")


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_a_container_with_no_certain_place_is_left_alone(case):
    with pytest.raises(NotUnderstood):
        with_bindings(HEAD + LEFT_ALONE[case], BINDINGS)


def test_the_imports_are_sorted_in():
    text = with_bindings(HEAD + BARE, BINDINGS)
    assert text.startswith(
        """import punq

from shop.application.ports.driven.pay_repository_contracts import PayRepository
from shop.application.ports.driving.pay_usecase_contracts import PayUseCase
from shop.application.usecases.pay_usecase import Pay
from shop.infra.config.settings import ShopSettings
from shop.infra.repositories.pay_repository import TablePayRepository


def build_container():"""
    )


def test_a_port_that_is_bound_otherwise_stays_as_it_is():
    text = (
        "from shop.application.ports.driving.pay_usecase_contracts import PayUseCase\n\n"
        "def build_container():\n    c = punq.Container()\n    c.register(PayUseCase, factory=make_pay)\n"
        "    return c\n"
    )
    result = with_bindings(text, BINDINGS)
    assert result.count("PayUseCase") == 2
    assert "import Pay\n" not in result
    assert "c.register(PayRepository, instance=TablePayRepository())" in result


def test_imports_that_outgrow_their_line_are_wrapped():
    text = HEAD + BARE
    names = [f"table_{number}_of_the_shop" for number in range(8)]
    for name in names:
        text = with_bindings(
            text,
            Snippet.parse(
                f"from services import {name}\ncontainer.register({name.title()}, instance={name})"
            ),
        )
    done = subprocess.run(
        [RUFF, "format", "--check", "--isolated", "--line-length=110", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, text
    assert "from services import (\n    table_0_of_the_shop,\n" in text


def test_the_payment_example_gains_two_lines_where_they_belong():
    text = EXAMPLE.read_text()
    result = with_bindings(text, BINDINGS)
    adapters, use_cases = result.split("def bind_use_cases")
    assert adapters.rstrip().endswith(REPOSITORY)
    assert use_cases.rstrip().endswith(USE_CASE)


def test_a_name_that_stands_for_something_else_is_refused():
    text = f"class Pay: ...\n{HEAD}{BARE}"
    with pytest.raises(InvalidName, match="'Pay' stands for something else there"):
        with_bindings(text, BINDINGS)


def test_a_file_that_python_does_not_read_is_named_with_its_line():
    with pytest.raises(ProjectError, match="line 1: .*; mend it and run again"):
        with_bindings("def build_container(:\n", BINDINGS)


@pytest.mark.parametrize("text", ["x = 1", "register(A)", "container.register()", "container.add(A)"])
def test_bindings_are_registrations(text):
    with pytest.raises(ConfigurationError, match=r"write bindings as container.register\(Port, ...\)"):
        with_bindings(HEAD, Snippet.parse(text))
