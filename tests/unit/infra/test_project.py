"""Finding the user's project, and what its pyproject.toml says."""

import sys

import pytest

from blackcat.errors import ProjectError
from blackcat.infra.project.project import find_project

REGISTRY = "from blackcat import ServiceRegistry\n\nservices = ServiceRegistry([])\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("services", "declared"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def write(folder, path, text):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_a_folder_with_services_is_a_project_and_so_is_any_folder_below(folder):
    write(folder, "services/__init__.py", REGISTRY)
    below = folder / "shop" / "domain"
    below.mkdir(parents=True)
    assert find_project(below).root == folder
    assert len(find_project(below).registry()) == 0


def test_pyproject_names_another_place_for_the_registry(folder):
    write(folder, "pyproject.toml", '[tool.blackcat]\nservices = "declared:everything"\n')
    write(folder, "declared.py", REGISTRY.replace("services =", "everything ="))
    assert len(find_project(folder).registry()) == 0


def test_a_pyproject_without_our_table_is_no_project(folder):
    write(folder, "pyproject.toml", "[project]\nname = 'other'\n")
    with pytest.raises(ProjectError, match="is no Blackcat project"):
        find_project(folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.blackcat\n", "cannot be read"),
        ("[tool.blackcat]\nservice = 'a:b'\n", "has 'service', which Blackcat does not know"),
        ("[tool.blackcat]\nservices = 3\n", "services must be a text"),
        ("[tool]\nblackcat = 3\n", "must be a table"),
    ],
)
def test_a_wrong_pyproject_is_told(folder, text, told):
    write(folder, "pyproject.toml", text)
    with pytest.raises(ProjectError, match=told):
        find_project(folder)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("services = (", "SyntaxError"),
        ("x = 1\nservices = []\n", "has no ServiceRegistry named 'services'"),
        ("import nowhere_at_all\n", r"services/__init__.py:1: ModuleNotFoundError"),
        (
            "from blackcat import Service, ServiceType\nService(name='a', type=ServiceType.CONSUMER)\n",
            r"services/__init__.py:2: consumer 'a' needs queue_name",
        ),
    ],
)
def test_a_registry_that_does_not_load_is_told_with_its_line(folder, source, told):
    write(folder, "services/__init__.py", source)
    with pytest.raises(ProjectError, match=told):
        find_project(folder).registry()


@pytest.mark.parametrize("path", ["services/__init__.py", "services/orders.py"])
def test_a_registry_that_is_no_python_is_told_with_its_line(folder, path):
    write(folder, "services/__init__.py", "import services.orders\n")
    write(folder, path, "first = 1\nsecond = = 2\n")
    with pytest.raises(ProjectError, match=f"^{path}:2: SyntaxError: invalid syntax"):
        find_project(folder).registry()
