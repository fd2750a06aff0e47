"""A registry gains one service, and nothing else in the file changes."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import settings as limits
from hypothesis import strategies as st

from blackcat.application.scaffolding.registry import container_of, services_of, with_service
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import ConfigurationError, InvalidName, NotUnderstood, ProjectError
from cases.sections import sections

RUFF = Path(sys.executable).with_name("ruff")
EXAMPLE = Path(__file__).parents[4] / "examples/payment/services/__init__.py"

SWEEP = Snippet.parse(
    """from blackcat import Service, ServiceType

Service(
    name="sweep",
    type=ServiceType.WORKER,
    entrypoint="shop.sweep:Sweep",
    schedule="rate(5 minutes)",
)
"""
)
PAY = Snippet.parse(
    """from blackcat import Service, ServiceType
from blackcat.resources import QueueResource

pay_queue = QueueResource("pay_cmd")

Service(
    name="pay",
    type=ServiceType.CONSUMER,
    entrypoint="shop.pay:Pay",
    queue_name="pay_cmd",
    uses=[pay_queue.consume()],
)
"""
)
OTHER = 'Service(name="other", type=ServiceType.WORKER, entrypoint="shop.other:Other")'
ALL = "from blackcat import Service, ServiceRegistry, ServiceType\n"

LEFT_ALONE = sections("registries_left_alone")
LISTED = f"{ALL}services = ServiceRegistry([\n    {OTHER},\n])\n"
UNDERSTOOD = {
    **sections("registries_understood"),
    "no final newline": LISTED.rstrip(),
    "CRLF": LISTED.replace("\n", "\r\n"),
    "CR": LISTED.replace("\n", "\r"),
    "mixed line ends": LISTED.replace("([\n", "([\r\n"),
    "a byte order mark": f"\ufeff{LISTED}",
    "a form feed": LISTED.replace("services", "\x0c\nservices"),
    "the payment example": EXAMPLE.read_text(),
}


def declared_in(text):
    """What Python makes of the registry, run as it is."""
    values: dict[str, object] = {}
    exec(compile(text.removeprefix("\ufeff"), "services", "exec"), values)  # noqa: S102 - our own text
    registry = values["services"]
    assert isinstance(registry, ServiceRegistry)
    return [service.name for service in registry]


def is_within(part, whole):
    """Whether all of it is there still, in order: what was added stands between."""
    rest = iter(whole)
    return all(character in rest for character in part)


def comments_of(text):
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    tokens = tokenize.generate_tokens(io.StringIO(lines).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@pytest.mark.parametrize("declaration", [SWEEP, PAY], ids=["a worker", "a consumer with its queue"])
@pytest.mark.parametrize("case", UNDERSTOOD)
def test_a_service_is_added_and_all_else_stays(case, declaration):
    text = UNDERSTOOD[case]
    added = "sweep" if declaration is SWEEP else "pay"

    result = with_service(text, declaration)

    assert declared_in(result) == [*declared_in(text), added]
    assert is_within(text, result)
    assert comments_of(text) == comments_of(result)
    assert ("\r" in text) == ("\r" in result)
    assert with_service(result, declaration) == result


def test_statements_that_share_a_line_gain_what_fits_there_and_no_more():
    text = "import os; from blackcat import ServiceRegistry; services = ServiceRegistry([])\n"
    assert declared_in(with_service(text, SWEEP)) == ["sweep"]
    with pytest.raises(NotUnderstood, match="the edit would change more than it should"):
        with_service(text, PAY)


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_a_registry_that_is_no_plain_list_is_left_alone(case):
    with pytest.raises(NotUnderstood):
        with_service(LEFT_ALONE[case], SWEEP)


def test_ruff_has_nothing_to_say_about_the_result():
    text = "from blackcat import ServiceRegistry\n\nservices = ServiceRegistry(\n    [],\n)\n"
    for declaration in (PAY, SWEEP):
        text = with_service(text, declaration)
    for command in (["format", "--check"], ["check", "--select=I,E,F"]):
        done = subprocess.run(
            [RUFF, *command, "--isolated", "--line-length=110", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def test_the_same_declaration_in_other_words_is_the_same():
    text = (
        "import blackcat as b\nservices = b.ServiceRegistry([b.Service(entrypoint='shop.sweep:Sweep', "
        "schedule='rate(5 minutes)', type=b.ServiceType.WORKER, name='sweep')])\n"
    )
    assert with_service(text, SWEEP) == text


def test_a_service_that_other_code_declares_is_there_already():
    text = f"{ALL}def build():\n    return ServiceRegistry([{SWEEP.text.partition('Type')[2].strip()}])\n"
    assert with_service(text, SWEEP) == text


def test_another_declaration_of_that_name_is_refused_with_its_line():
    text = f"{ALL}services = ServiceRegistry(\n    [{OTHER.replace('other', 'sweep')}]\n)\n"
    with pytest.raises(InvalidName, match="'sweep' is declared already, on line 3, in another way"):
        with_service(text, SWEEP)


@pytest.mark.parametrize(
    ("text", "declaration"),
    [
        ("from blackcat import ServiceRegistry\nclass Service: ...\nservices = ServiceRegistry([])\n", SWEEP),
        (f"{ALL}pay_queue = 1\nservices = ServiceRegistry([])\n", PAY),
    ],
)
def test_a_name_that_stands_for_something_else_is_refused(text, declaration):
    with pytest.raises(InvalidName, match="stands for something else there"):
        with_service(text, declaration)


def test_a_resource_that_is_declared_already_is_shared():
    text = (
        f"{ALL}from blackcat.resources import QueueResource\n\n"
        'pay_queue = QueueResource("pay_cmd")\nservices = ServiceRegistry([])\n'
    )
    result = with_service(text, PAY)
    assert result.count("pay_queue = ") == 1
    assert declared_in(result) == ["pay"]


@pytest.mark.parametrize("text", ["services = (", "services = 'a\n", "\x00", "def f():\nreturn\n"])
def test_a_file_that_python_does_not_read_is_named_with_its_line(text):
    with pytest.raises(ProjectError, match="mend it and run again"):
        with_service(text, SWEEP)


@pytest.mark.parametrize("text", ["", "x = 1", "Service()", "f(name='a')\nimport_this"])
def test_a_declaration_ends_with_a_service(text):
    with pytest.raises(ConfigurationError, match="must end with Service"):
        with_service(f"{ALL}services = ServiceRegistry([])\n", Snippet.parse(text))


@pytest.mark.parametrize("text", ["import os", "from . import x", "from x import y as z", "from x import *"])
def test_a_declaration_imports_names_only(text):
    with pytest.raises(ProjectError, match="line 1: write it as `from module import name`"):
        Snippet.parse(text)


def test_the_registry_tells_its_container_and_its_services():
    text = f"{ALL}services = ServiceRegistry([{OTHER}], container='shop.infra.container:build')\n"
    assert container_of(text) == "shop.infra.container:build"
    assert list(services_of(text)) == ["other"]
    assert container_of(f"{ALL}services = ServiceRegistry([], container=build)\n") is None
    assert container_of("services = 1\n") is None


# Registries in random formatting.

GAP = st.sampled_from(
    ["", " ", "  ", "\n", "\n    ", "\n\t", "  # why, (not]\n    ", "\n\n  # 'done\n  ", "\\\n"]
)
SERVICE = st.builds(
    "{0}({1}name{1}={1}{2!r},{1}type={3}.WORKER,{1}entrypoint={4}{5})".format,
    st.just("{Service}"),
    GAP,
    st.from_regex("[a-z]{3,8}", fullmatch=True),
    st.just("{ServiceType}"),
    st.sampled_from(["'shop.a:A'", "'aü.bç:cÇ'", "'ü])(,#' and 'a:b'", '("a:b")']),
    st.sampled_from(["", ",", " , ", "\n,"]),
)
IMPORTS = st.sampled_from(
    [
        (
            "from blackcat import Service, ServiceRegistry, ServiceType\n",
            ("Service", "ServiceRegistry", "ServiceType"),
        ),
        (
            "from blackcat import (\n  ServiceRegistry, # r\n  Service, ServiceType)\n",
            ("Service", "ServiceRegistry", "ServiceType"),
        ),
        (
            "from blackcat import ServiceType as T, Service as S, \\\n  ServiceRegistry as R\n",
            ("S", "R", "T"),
        ),
        ("import blackcat\n", ("blackcat.Service", "blackcat.ServiceRegistry", "blackcat.ServiceType")),
        ("from blackcat import *\n", ("Service", "ServiceRegistry", "ServiceType")),
        (
            "import blackcat as b\nfrom blackcat import ServiceRegistry\n",
            ("b.Service", "ServiceRegistry", "b.ServiceType"),
        ),
    ]
)
HEADS = st.sampled_from(
    ["", '"""Doc."""\n', "# -*- coding: utf-8 -*-\n\n", "from __future__ import annotations\n\n"]
)


def name_in(service):
    return re.search("'([a-z]{3,8})'", service)[1]


@st.composite
def registries(draw):
    imports, (service, registry, kind) = draw(IMPORTS)
    items = draw(st.lists(SERVICE, max_size=4, unique_by=name_in))
    gaps = [draw(GAP) for _ in range(12)]
    opening, closing = draw(st.sampled_from(["[]", "()"]))
    listed = ",".join(gaps[index % 4] + item + gaps[4 + index % 3] for index, item in enumerate(items))
    comma = "," if items and (opening == "(" or draw(st.booleans())) else ""
    listed = f"{opening}{listed}{comma}{gaps[7]}{closing}"
    listed = listed.replace("{Service}", service).replace("{ServiceType}", kind)
    before, argument = draw(
        st.sampled_from(
            [("", listed), ("", f"services={listed}"), (f"declared = {listed}\n# all\n", "declared")]
        )
    )
    after = draw(st.sampled_from(["", ",", ', container="a:b"', ",\n container='a:b',\n"]))
    text = f"{imports}\n{before}services = {registry}({gaps[8]}{argument}{after})"
    text = draw(HEADS) + text + draw(st.sampled_from(["", "\n", "\n\n", "  # end\n", "\nother = services\n"]))
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    return draw(st.sampled_from(["", "\ufeff"])) + text


def without_what_was_added(text, original):
    """The syntax without the service "sweep" and the imports that the original has not."""
    tree = ast.parse(text.removeprefix("\ufeff"))
    known = {
        alias.name for node in ast.walk(original) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and "'sweep'" in ast.dump(node):
            node.elts.pop()
        if isinstance(node, ast.ImportFrom):
            node.names = [alias for alias in node.names if alias.name in known]
    tree.body = [one for one in tree.body if not isinstance(one, ast.ImportFrom) or one.names]
    return ast.dump(tree)


def check_any(text):
    try:
        original = ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError:  # a comment or a backslash where none may be
        reject()
    result = with_service(text, SWEEP)
    assert without_what_was_added(result, original) == ast.dump(original)
    assert declared_in(result) == [*declared_in(text), "sweep"]
    assert is_within(text, result)
    assert comments_of(text) == comments_of(result)
    assert with_service(result, SWEEP) == result


@limits(max_examples=150, deadline=None)
@given(registries())
def test_any_registry_gains_the_service_alone(text):
    check_any(text)


@pytest.mark.long
@limits(max_examples=20_000, deadline=None)
@given(registries())
def test_very_many_registries_gain_the_service_alone(text):
    check_any(text)
