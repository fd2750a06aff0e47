"""What writing files would do, before it is done."""

from pathlib import PurePosixPath

import pytest

from blackcat.application.scaffolding.plan import File, Kind, changes, tree


def a_file(path, content="new\n", *, edit=False):
    return File(PurePosixPath(path), content, edit=edit)


def planned(*files, replaces=False, **present):
    return changes(files, lambda path: present.get(path.name), replaces=replaces)


def only(found):
    [one] = found
    return one


def test_a_file_that_is_not_there_is_created():
    change = only(planned(a_file("a")))
    assert (change.kind, change.before, change.after) == (Kind.CREATED, None, "new\n")


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("edit", [False, True])
def test_a_file_that_is_there_as_it_should_be_stays(replaces, edit):
    assert only(planned(a_file("a", edit=edit), replaces=replaces, a="new\n")).kind is Kind.UNCHANGED


@pytest.mark.parametrize(
    ("edit", "replaces", "kind"),
    [
        (False, False, Kind.CONFLICT),
        (False, True, Kind.CHANGED),
        (True, False, Kind.CHANGED),
        (True, True, Kind.CHANGED),
    ],
)
def test_another_content_is_lost_only_by_an_edit_or_when_told_so(edit, replaces, kind):
    change = only(planned(a_file("a", edit=edit), replaces=replaces, a="old\n"))
    assert (change.kind, change.before, change.after) == (kind, "old\n", "new\n")


def test_an_empty_file_is_a_file():
    assert only(planned(a_file("a", ""), a="")).kind is Kind.UNCHANGED
    assert only(planned(a_file("a", ""))).kind is Kind.CREATED


def test_the_diff_of_an_edit():
    change = only(planned(a_file("a", "one\ntwo\n", edit=True), a="one\n"))
    assert change.diff() == "--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n one\n+two\n"


def test_the_diff_of_a_new_file_starts_from_nothing():
    assert only(planned(a_file("x/a"))).diff() == "--- /dev/null\n+++ b/x/a\n@@ -0,0 +1 @@\n+new\n"


def test_the_diff_says_where_a_last_line_has_no_end():
    change = only(planned(a_file("a", "two", edit=True), a="one"))
    assert change.diff() == (
        "--- a/a\n+++ b/a\n@@ -1 +1 @@\n"
        "-one\n\\ No newline at end of file\n+two\n\\ No newline at end of file\n"
    )


def test_the_diff_splits_lines_at_line_feeds_only():
    change = only(planned(a_file("a", "one\fstill one\ntwo\n", edit=True), a="one\fstill one\n"))
    assert change.diff().endswith("@@ -1 +1,2 @@\n one\fstill one\n+two\n")


def test_the_diff_of_an_unchanged_file_is_empty():
    assert only(planned(a_file("a"), a="new\n")).diff() == ""


def test_the_tree_has_folders_first_and_says_what_is_not_new():
    found = planned(
        a_file("main.py"),
        a_file("shop/domain/order.py"),
        a_file("shop/__init__.py"),
        a_file("README.md"),
        a_file("services/registry.py", edit=True),
        a_file("kept"),
        **{"README.md": "old\n", "registry.py": "old\n", "kept": "new\n"},
    )
    assert tree(found) == (
        "├── services/\n"
        "│   └── registry.py  (changed)\n"
        "├── shop/\n"
        "│   ├── domain/\n"
        "│   │   └── order.py\n"
        "│   └── __init__.py\n"
        "├── README.md  (conflict)\n"
        "├── kept  (unchanged)\n"
        "└── main.py"
    )


def test_the_tree_of_nothing_is_empty():
    assert tree([]) == ""
