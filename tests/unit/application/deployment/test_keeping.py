"""What becomes of a generated file that stands there already."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat.application.deployment.keeping import Fate, beside, decide

PATH = PurePosixPath("deploy/ecs/services.yaml")
OLD = "a\nb\nc\nd\n"
NEW = "a\nb\nc\nD\n"
EDITED = "A\nb\nc\nd\n"
TEXT = st.none() | st.sampled_from([OLD, NEW, EDITED, "a\nb\nc\nx\n", ""])


@pytest.mark.parametrize(
    ("base", "present", "generated", "fate", "after"),
    [
        (None, None, NEW, Fate.CREATED, NEW),
        (OLD, OLD, NEW, Fate.REPLACED, NEW),
        (OLD, NEW, NEW, Fate.UNCHANGED, NEW),
        (None, NEW, NEW, Fate.UNCHANGED, NEW),
        (OLD, EDITED, OLD, Fate.KEPT, EDITED),
        (OLD, EDITED, NEW, Fate.MERGED, "A\nb\nc\nD\n"),
        (OLD, "a\nb\nc\nmine\n", NEW, Fate.CONFLICT, "a\nb\nc\nmine\n"),
        (None, EDITED, NEW, Fate.CONFLICT, EDITED),
        (OLD, None, NEW, Fate.LEFT_OUT, None),
        (OLD, OLD, None, Fate.REMOVED, None),
        (OLD, EDITED, None, Fate.ORPHANED, EDITED),
        (OLD, None, None, Fate.UNCHANGED, None),
        # Line ends stay as they are.
        (OLD, OLD.replace("\n", "\r\n"), NEW, Fate.REPLACED, NEW.replace("\n", "\r\n")),
        (OLD, OLD.replace("\n", "\r\n"), OLD, Fate.UNCHANGED, OLD.replace("\n", "\r\n")),
    ],
)
def test_three_texts_decide(base, present, generated, fate, after):
    decision = decide(PATH, base=base, present=present, generated=generated)
    assert (decision.fate, decision.after) == (fate, after)


def test_an_edit_that_says_the_same_is_kept_as_it_is():
    both = "A\nb\nc\nD\n"
    assert decide(PATH, base=OLD, present=both, generated=NEW).fate is Fate.KEPT


@given(TEXT, TEXT, TEXT)
def test_what_somebody_wrote_is_never_lost_without_force(base, present, generated):
    decision = decide(PATH, base=base, present=present, generated=generated)
    if present is not None and present not in (base, generated):
        assert decision.fate in (Fate.KEPT, Fate.MERGED, Fate.CONFLICT, Fate.ORPHANED)


@given(TEXT, TEXT, TEXT)
def test_force_gives_what_is_generated(base, present, generated):
    assert decide(PATH, base=base, present=present, generated=generated, force=True).after == generated


def test_a_text_that_waits_beside_it_is_told_until_it_is_gone():
    waiting = decide(PATH, base=NEW, present=EDITED, generated=NEW, waiting=True)
    assert (waiting.fate, waiting.unresolved, waiting.settled) == (Fate.WAITING, True, False)
    assert str(beside(PATH)) in waiting.reason


def test_a_conflict_stays_one_until_it_is_settled():
    mine = "a\nb\nc\nmine\n"
    conflict = decide(PATH, base=OLD, present=mine, generated=NEW)
    assert conflict.base == OLD
    assert decide(PATH, base=conflict.base, present=mine, generated=NEW).fate is Fate.CONFLICT
    assert decide(PATH, base=conflict.base, present=NEW, generated=NEW).base == NEW
    settled = decide(PATH, base=conflict.base, present=mine, generated=NEW, waiting=True, resolved=True)
    assert (settled.fate, settled.after, settled.base) == (Fate.KEPT, mine, NEW)


def test_a_file_that_was_there_before_is_told_as_such():
    assert decide(PATH, base=None, present=EDITED, generated=NEW).reason.startswith("it was there before; ")
