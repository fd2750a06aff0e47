"""Tables, and text that a terminal must not obey."""

import click
import pytest

from blackcat.entrypoints.cli.output import as_json, printable, results_only, table


def lines(headers, rows):
    return click.unstyle(table(headers, rows)).splitlines()


def test_columns_are_aligned_and_nothing_trails():
    assert lines(["name", "type"], [("orders", "consumer"), ("a", "")]) == [
        "NAME    TYPE",
        "orders  consumer",
        "a",
    ]


def test_a_cell_may_hold_several_lines():
    assert lines(["a", "b", "c"], [("1", "x\nlonger", "3"), ("4", "y", "6")]) == [
        "A  B       C",
        "1  x       3",
        "   longer",
        "4  y       6",
    ]


def test_styles_and_wide_characters_take_the_columns_that_they_show():
    styled = click.style("red", fg="red")
    assert lines(["a", "b"], [(styled, "1"), ("日本", "2"), ("e\u0301", "3")]) == [
        "A     B",
        "red   1",
        "日本  2",
        "e\u0301     3",
    ]


def test_a_table_without_rows_has_its_headers():
    assert lines(["name", "type"], []) == ["NAME  TYPE"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 日本", "plain ünïcode 日本"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202ereversed", "\\u202ereversed"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text, shown):
    assert printable(text) == shown


def test_json_keeps_what_it_does_not_know_as_text():
    assert as_json({"ü": {1, 2} & {1}}) == '{\n  "ü": "{1}"\n}'


def test_what_a_project_prints_is_no_result(capsys):
    with results_only():
        print("from the project")
    print("the result")
    assert capsys.readouterr() == ("the result\n", "from the project\n")
