from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import punq
import pytest

from blackcat import Message, Run
from blackcat.application.entrypoint import consumer_entrypoint, load, worker_entrypoint
from blackcat.errors import EntrypointError, InjectionError

if TYPE_CHECKING:
    from collections import OrderedDict


class Greeter:
    def greet(self, name: str) -> str:
        return f"hello {name}"


@dataclass(frozen=True)
class Consumer:
    greeter: Greeter
    polite: bool = True

    def __call__(self, payload: dict, message: Message) -> str:
        return self.greeter.greet(payload["name"])


def handle(payload: str, greeter: Greeter) -> str:
    return greeter.greet(payload)


class NotCallable:
    pass


@pytest.fixture
def container():
    return punq.Container().register(Greeter)


def test_a_class_is_built_with_what_the_container_gives(container):
    entrypoint = consumer_entrypoint(Consumer, container, subject="consumer 'x'")
    assert entrypoint.payload_type is dict
    assert entrypoint.message_parameter == "message"
    assert entrypoint.call({"name": "Ana"}, message=None) == "hello Ana"


def test_a_function_gets_its_other_parameters_injected(container):
    entrypoint = consumer_entrypoint(handle, container, subject="consumer 'x'")
    assert entrypoint.payload_type is str
    assert entrypoint.call("Ana", **entrypoint.injected) == "hello Ana"


def test_a_worker_s_call_has_the_run_that_it_is_annotated_with(container):
    seen = []

    class Job:
        def __call__(self, the_run: Run) -> None:
            seen.append(the_run)

    run = Run()
    call = worker_entrypoint(Job, container, subject="worker 'x'")
    call(run)
    call()  # as a test of a project may
    assert seen[0] is run
    assert isinstance(seen[1], Run)


def test_a_run_is_only_for_the_call_of_a_job(container):
    class Job:
        def __init__(self, run: Run) -> None: ...

        def __call__(self) -> None: ...

    with pytest.raises(InjectionError, match="only the call of a worker's job can"):
        worker_entrypoint(Job, container, subject="worker 'x'")


def test_a_worker_takes_only_what_is_injected(container):
    greeted = []

    def job(greeter: Greeter, times: int = 1) -> None:
        greeted.append(greeter.greet("Ana") * times)

    worker_entrypoint(job, container, subject="worker 'x'")()
    assert greeted == ["hello Ana"]


def test_a_missing_binding_is_named():
    with pytest.raises(InjectionError, match="consumer 'x' needs Greeter for 'greeter', which the container"):
        consumer_entrypoint(Consumer, punq.Container(), subject="consumer 'x'")


def test_without_a_container_the_fix_is_told():
    with pytest.raises(
        InjectionError, match="there is no container: declare the service in a ServiceRegistry"
    ):
        consumer_entrypoint(Consumer, None, subject="consumer 'x'")


def test_without_dependencies_no_container_is_needed():
    def plain(payload: dict) -> None: ...

    assert consumer_entrypoint(plain, None, subject="consumer 'x'").call is plain


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (lambda: None, "takes no payload"),
        (lambda payload: None, "annotate it with a pydantic model"),
        (NotCallable, "give NotCallable a __call__ method"),
    ],
)
def test_what_cannot_consume_is_refused(target, says):
    with pytest.raises(EntrypointError, match=says):
        consumer_entrypoint(target, None, subject="consumer 'x'")


def test_async_handlers_are_refused():
    async def handler(payload: dict) -> None: ...

    with pytest.raises(EntrypointError, match="write it with 'def'"):
        consumer_entrypoint(handler, None, subject="consumer 'x'")


def test_generators_are_refused():
    def handler(payload: dict):
        yield payload

    with pytest.raises(EntrypointError, match="uses 'yield'"):
        consumer_entrypoint(handler, None, subject="consumer 'x'")


def test_an_annotation_that_exists_only_for_type_checkers_is_explained():
    def handler(payload: OrderedDict) -> None: ...

    with pytest.raises(EntrypointError, match="import the name at run time"):
        consumer_entrypoint(handler, None, subject="consumer 'x'")


def test_a_parameter_that_nobody_can_inject_is_named(container):
    def job(greeter) -> None: ...

    with pytest.raises(InjectionError, match="no annotation for 'greeter'"):
        worker_entrypoint(job, container, subject="worker 'x'")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("shop_")]:
        del sys.modules[name]


def test_an_import_string_is_loaded(project):
    (project / "shop_fine.py").write_text("class Outer:\n    class Inner: pass\n")
    assert load("shop_fine:Outer.Inner", subject="consumer 'x'").__name__ == "Inner"


def test_the_real_cause_of_a_failing_import_is_told(project):
    (project / "shop_broken.py").write_text("import json\n\nvalue = json.nothing\n")
    with pytest.raises(EntrypointError) as failed:
        load("shop_broken:Handler", subject="consumer 'x'")
    assert "importing 'shop_broken' failed with AttributeError" in str(failed.value)
    assert "shop_broken.py, line 3" in str(failed.value)
    assert isinstance(failed.value.__cause__, AttributeError)


def test_a_module_that_is_not_there_and_a_name_that_is_not_in_it(project):
    (project / "shop_empty.py").write_text("")
    with pytest.raises(EntrypointError, match="No module named 'shop_nowhere'"):
        load("shop_nowhere:Handler", subject="consumer 'x'")
    with pytest.raises(EntrypointError, match="'shop_empty' has no 'Handler'"):
        load("shop_empty:Handler", subject="consumer 'x'")
