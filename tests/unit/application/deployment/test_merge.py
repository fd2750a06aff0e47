"""Three-way merges by lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat.application.deployment.merge import merged

BASE = "a\nb\nc\nd\ne\n"
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "x\x0cy\n", "end"]), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        ("A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "A\nb\nc\nd\nE\n"),
        ("a\nb\nnew\nc\nd\ne\n", "a\nb\nc\nd\n", "a\nb\nnew\nc\nd\n"),
        ("b\nc\nd\ne\n", "a\nb\nc\nd\ne\nf\n", "b\nc\nd\ne\nf\n"),
        ("a\nB\nc\nd\ne\n", "a\nB\nc\nd\nE\n", "a\nB\nc\nd\nE\n"),  # the same change on both sides
        ("A\nb\nc\nd\ne\n", "Z\nb\nc\nd\ne\n", None),
        ("a\nB\nc\nd\ne\n", "a\nb\nC\nd\ne\n", None),  # side by side: one may depend on the other
        ("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\ne\ng\n", None),  # two ends: which comes first?
    ],
)
def test_changes_of_both_sides_are_taken_unless_they_meet(ours, theirs, both):
    assert merged(BASE, ours, theirs) == both
    assert merged(BASE, theirs, ours) == both


@given(TEXTS, TEXTS)
def test_a_side_that_changed_nothing_decides_nothing(base, other):
    assert merged(base, base, other) == other
    assert merged(base, other, base) == other
    assert merged(base, other, other) == other


@given(TEXTS, TEXTS, TEXTS)
def test_sides_are_equal(base, ours, theirs):
    assert merged(base, ours, theirs) == merged(base, theirs, ours)
