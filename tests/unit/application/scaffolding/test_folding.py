"""Lines that names made too long are folded as `ruff format` would."""

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from blackcat.application.scaffolding.folding import folded

RUFF = Path(sys.executable).with_name("ruff")
CODE = """class {0}Consumer:
    use_case: {0}UseCase

    def __call__(self, command: {0}Command, other: dict[str, {0}]) -> tuple[{0}, int, dict[str, str]]:
        record = {0}Record(id=command.id, reference=command.reference, created_at=self.clock.now())
        container.register({0}Repository, instance=Table{0}Repository(table=connect({0}_records)))
        assert repository.get(ID) == {0}Record(id=ID, reference="A-1", created_at=clock.now())
        return create_app(services.select("{0}"), container, Settings()).test_client()
"""


@limits(max_examples=25, deadline=None)
@given(st.from_regex("[A-Z][a-z0-9]{0,62}", fullmatch=True))
def test_ruff_has_nothing_to_say(name):
    text = folded(CODE.format(name))
    done = subprocess.run(
        [RUFF, "format", "--diff", "--isolated", "--line-length=110", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_has_no_brackets_stays_as_it_is():
    line = "# " + "word " * 30
    assert folded(line) == line
