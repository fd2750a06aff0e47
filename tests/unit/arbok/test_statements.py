"""A file of SQL is cut where a statement ends, and nowhere else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blackcat.arbok.statements import statements


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        (" ;; -- nothing\n;/* here */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT 'it''s;';", ["SELECT ';'", "SELECT 'it''s;'"]),
        (r"SELECT 'a\'; SELECT 2", [r"SELECT 'a\'", "SELECT 2"]),
        (r"SELECT E'a\';'; SELECT 2", [r"SELECT E'a\';'", "SELECT 2"]),
        ('SELECT ";"; SELECT "a"";"', ['SELECT ";"', 'SELECT "a"";"']),
        ("DO $$ BEGIN; END $$; SELECT 2", ["DO $$ BEGIN; END $$", "SELECT 2"]),
        ("DO $a$ $$;$$ ; $b$ $a$; SELECT 2", ["DO $a$ $$;$$ ; $b$ $a$", "SELECT 2"]),
        ("SELECT $1; SELECT a$b; SELECT c$b", ["SELECT $1", "SELECT a$b", "SELECT c$b"]),
        ("SELECT 1 -- one; two\n; SELECT 2", ["SELECT 1 -- one; two", "SELECT 2"]),
        ("SELECT /* a; /* b; */ c; */ 1; SELECT 2", ["SELECT /* a; /* b; */ c; */ 1", "SELECT 2"]),
        ("-- why\n/* and\nwhen */ SELECT 1", ["SELECT 1"]),
        ("SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]),
        ("SELECT $$ never closed; SELECT 2", ["SELECT $$ never closed; SELECT 2"]),
        ("SELECT /* never closed; SELECT 2", ["SELECT /* never closed; SELECT 2"]),
        ("/* never closed", []),
    ],
)
def test_statements_end_at_semicolons_that_stand_alone(sql, expected):
    assert [statement.sql for statement in statements(sql)] == expected


def test_a_statement_knows_the_line_that_it_begins_at():
    sql = "-- first;\n\nSELECT 1;\n/* a\nb */\nSELECT\n  2;\nSELECT 3"
    assert [(found.line, found.sql) for found in statements(sql)] == [
        (3, "SELECT 1"),
        (6, "SELECT\n  2"),
        (8, "SELECT 3"),
    ]


def test_a_summary_is_one_short_line_and_a_keyword_is_in_capitals():
    [found] = statements("create  table a (\n" + "  x int,\n" * 50 + ")")
    assert found.summary.startswith("create table a ( x int, x int,")
    assert (len(found.summary), found.summary[-3:]) == (80, "...")
    assert found.keyword == "CREATE"
    assert statements("(SELECT 1)")[0].keyword == ""


@given(st.text(alphabet="aE'\"$;-/*\\ \n1", max_size=40))
@example("E'\\")
def test_nothing_is_lost_but_comments_space_and_semicolons(sql):
    rest = sql
    for statement in statements(sql):
        before, found, rest = rest.partition(statement.sql)
        assert found
        assert sql.split("\n")[statement.line - 1 :][0].find(statement.sql.split("\n")[0]) >= 0
        assert before.count("'") == 0 or "--" in before or "/*" in before
