"""Templates are rendered with their mistakes named, and files are written all or none."""

import os
import stat
from pathlib import PurePosixPath

import pytest

from blackcat.application.scaffolding.plan import Change, File, Kind, changes
from blackcat.errors import ConfigurationError, ProjectError
from blackcat.infra.project.scaffolding import apply, reader, render, rendered_tree, templates_above

CONTEXT = {"name": "payment"}


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def template(own, path, text):
    file = own / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def planned(root, *, replaces=False, edit=False, **files):
    wanted = [File(PurePosixPath(path), content, edit=edit) for path, content in files.items()]
    return changes(wanted, reader(root), replaces=replaces)


def contents(root):
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


class TestTemplates:
    def test_a_template_is_filled_and_keeps_its_last_line_end(self, own):
        template(own, "greeting.jinja", "{% if name %}\n  hello {{ name }}\n{% endif %}\n")
        assert render("greeting.jinja", CONTEXT, overrides=own) == "  hello payment\n"

    def test_imports_are_sorted_and_wrapped(self, own):
        lines = "from {{ name }} import A\nfrom b import {{ 'B' * 90 }}\n"
        template(own, "a.py.jinja", f"{{% filter imports %}}\n{lines}{{% endfilter %}}\nend\n")
        assert render("a.py.jinja", CONTEXT, overrides=own) == (
            f"from b import {'B' * 90}\nfrom payment import A\nend\n"
        )

    def test_one_of_the_teams_own_goes_before_ours_and_the_others_stay_ours(self, own):
        names = {"project": None, "context": None}
        ours = render("project/main.py.jinja", names, overrides=None)
        assert render("project/main.py.jinja", names, overrides=own) == ours
        template(own, "project/main.py.jinja", "print(1)\n")
        assert render("project/main.py.jinja", names, overrides=own) == "print(1)\n"

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("one\n{{ nmae }}\n", r"line 2: 'nmae' is undefined"),
            ("one\n\n{{ name.snake }}\n", r"line 3: .*has no attribute 'snake'"),
            ("one\n{% if %}\n", r"line 2: "),
            ("{{ name\n", r"line 1: "),
            ("one\n{{ 1 / 0 }}\n", r"line 2: division by zero"),
            ("{% include 'else.jinja' %}\n", r"there is no template else.jinja, which broken.jinja includes"),
        ],
    )
    def test_a_mistake_is_named_with_file_and_line(self, own, text, problem):
        template(own, "broken.jinja", text)
        with pytest.raises(ConfigurationError, match=problem) as refused:
            render("broken.jinja", CONTEXT, overrides=own)
        assert "broken.jinja" in str(refused.value)

    def test_a_mistake_in_an_included_template_is_named_there(self, own):
        template(own, "outer.jinja", "{% include 'inner.jinja' %}\n")
        inner = template(own, "inner.jinja", "\n{{ missing }}\n")
        with pytest.raises(ConfigurationError, match=f"template {inner}, line 2: 'missing' is undefined"):
            render("outer.jinja", CONTEXT, overrides=own)

    def test_a_template_that_is_no_text_is_named(self, own):
        (own / "bytes.jinja").write_bytes(b"\xff\xfe")
        with pytest.raises(ConfigurationError, match="template bytes.jinja: .*utf-8"):
            render("bytes.jinja", CONTEXT, overrides=own)

    def test_a_template_that_is_nowhere_is_named(self):
        with pytest.raises(ConfigurationError, match="there is no template service/x.jinja$"):
            render("service/x.jinja", CONTEXT, overrides=None)

    def test_a_folder_of_templates_that_is_nowhere_is_named(self, tmp_path):
        with pytest.raises(
            ConfigurationError, match=r"no folder .*nowhere, which \[tool.blackcat\] templates"
        ):
            render("project/main.py.jinja", CONTEXT, overrides=tmp_path / "nowhere")

    def test_a_tree_has_names_in_its_paths_and_what_the_team_adds(self, own):
        template(own, "kind/{{ name }}/a.py.jinja", "a = '{{ name }}'\n")
        template(own, "kind/b.txt.jinja", "")
        template(own, "kind/notes.md", "no template\n")
        template(own, "kindred/c.jinja", "another folder\n")
        assert rendered_tree("kind", CONTEXT, own) == [
            File(PurePosixPath("b.txt"), ""),
            File(PurePosixPath("payment/a.py"), "a = 'payment'\n"),
        ]

    @pytest.mark.parametrize("name", ["..", "/etc", "", "a/../../b", "./a"])
    def test_a_tree_stays_within_its_folder(self, own, name):
        template(own, "kind/{{ name }}/a.jinja", "")
        with pytest.raises(ConfigurationError, match="is no path inside"):
            rendered_tree("kind", {"name": name}, own)

    def test_a_mistake_in_a_path_is_named(self, own):
        template(own, "kind/{{ nmae }}/a.jinja", "")
        with pytest.raises(ConfigurationError, match="kind/{{ nmae }}/a.jinja: 'nmae' is undefined"):
            rendered_tree("kind", CONTEXT, own)

    def test_the_teams_templates_are_those_of_the_nearest_project_above(self, root):
        assert templates_above(root) is None
        (root / "pyproject.toml").write_text('[tool.blackcat]\ntemplates = "ours"\n')
        (root / "inner").mkdir()
        assert templates_above(root / "inner") == root / "ours"


class TestWriting:
    def test_files_are_written_with_their_folders(self, root):
        apply(planned(root, **{"a/b/c.py": "c\n", "d": "é\r\n"}), root)
        assert (root / "a/b/c.py").read_bytes() == b"c\n"
        assert (root / "d").read_bytes() == "é\r\n".encode()

    def test_the_project_itself_may_be_new(self, root):
        apply(planned(root / "new", a="a\n"), root / "new")
        assert contents(root) == {"new/a": "a\n"}

    def test_what_is_as_it_should_be_is_not_touched(self, root):
        (root / "a").write_text("a\n")
        os.utime(root / "a", (1, 1))
        apply(planned(root, a="a\n"), root)
        assert (root / "a").stat().st_mtime == 1

    def test_an_edited_file_keeps_its_mode(self, root):
        (root / "run").write_text("old\n")
        (root / "run").chmod(0o751)
        apply(planned(root, run="new\n", edit=True), root)
        assert stat.S_IMODE((root / "run").stat().st_mode) == 0o751
        assert contents(root) == {"run": "new\n"}

    def test_line_ends_are_read_as_they_are(self, root):
        (root / "a").write_bytes(b"one\r\ntwo\n")
        assert reader(root)(PurePosixPath("a")) == "one\r\ntwo\n"

    def test_a_conflict_stops_everything(self, root):
        (root / "b").write_text("theirs\n")
        with pytest.raises(ProjectError, match="nothing was written: b would lose .* --force"):
            apply(planned(root, a="a\n", b="ours\n"), root)
        assert contents(root) == {"b": "theirs\n"}

    def test_a_file_that_changed_meanwhile_stops_everything(self, root):
        (root / "b").write_text("old\n")
        plan = planned(root, a="a\n", b="new\n", replaces=True)
        (root / "b").write_text("saved in an editor\n")
        with pytest.raises(ProjectError, match="b changed in the meantime, nothing was written"):
            apply(plan, root)
        assert contents(root) == {"b": "saved in an editor\n"}

    def test_where_one_file_fails_the_others_are_put_back(self, root):
        (root / "edited").write_text("old\n")
        (root / "edited").chmod(0o640)
        plan = planned(
            root, edited="new\n", **{"new/one": "1\n", "x": "a file\n", "x/y": "below it\n"}, edit=True
        )
        with pytest.raises(ProjectError, match="nothing was written: .*x"):
            apply(plan, root)
        assert contents(root) == {"edited": "old\n"}
        assert [path.name for path in root.iterdir()] == ["edited"]
        assert stat.S_IMODE((root / "edited").stat().st_mode) == 0o640

    def test_a_file_where_a_folder_belongs_stops_everything(self, root):
        (root / "shop").write_text("a file\n")
        with pytest.raises(ProjectError, match="nothing was written: .*shop"):
            apply(planned(root, **{"a": "a\n", "shop/x.py": "x\n"}), root)
        assert contents(root) == {"shop": "a file\n"}

    def test_a_folder_where_a_file_belongs_is_named(self, root):
        (root / "main.py").mkdir()
        with pytest.raises(ProjectError, match="main.py is a folder: move it"):
            planned(root, **{"main.py": "x\n"})

    def test_a_file_that_is_no_text_is_named(self, root):
        (root / "a").write_bytes(b"\xff\xfe")
        with pytest.raises(ProjectError, match="a cannot be read"):
            planned(root, a="a\n")

    def test_a_link_within_the_project_is_followed_and_stays(self, root):
        (root / "real").write_text("old\n")
        (root / "link").symlink_to("real")
        apply(planned(root, link="new\n", edit=True), root)
        assert (root / "link").is_symlink()
        assert (root / "real").read_text() == "new\n"

    @pytest.mark.parametrize("path", ["link", "folder/new", "../outside/new", "dangling"])
    def test_nothing_leads_out_of_the_project(self, root, path):
        outside = root.parent / "outside"
        outside.mkdir()
        (outside / "file").write_text("theirs\n")
        (root / "link").symlink_to(outside / "file")
        (root / "folder").symlink_to(outside)
        (root / "dangling").symlink_to(outside / "not-there")
        wanted = [File(PurePosixPath("a"), "a\n"), File(PurePosixPath(path), "ours\n", edit=True)]
        with pytest.raises(ProjectError, match="leads out of"):
            apply(changes(wanted, reader(root), replaces=True), root)
        assert contents(outside) == {"file": "theirs\n"}
        assert not (root / "a").exists()

    def test_a_plan_can_be_made_elsewhere(self, root):
        apply([Change(PurePosixPath("a"), Kind.CREATED, None, "a\n")], root)
        assert contents(root) == {"a": "a\n"}
