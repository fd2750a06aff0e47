"""`blackcat generate-deploy`: what it writes, what it keeps, and what it refuses."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import ConfigurationError, ProjectError
from blackcat.infra.project.deploy_manifest import MANIFEST

EXAMPLES = Path(__file__).parents[4] / "examples"
PYPROJECT = '[project]\nname = "shop"\n'
REGISTRY = """\
from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry(
    [Service(name=name, type=ServiceType.REST_API, endpoint_module="a.b") for name in {names}]
)
"""
SERVICES = "deploy/kubernetes/base/services"


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def shop(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    declare(root, "orders")
    return root


def declare(root, *names):
    (root / "services.py").write_text(REGISTRY.format(names=names))


def generate(root, *arguments):
    for name in [name for name in sys.modules if name.split(".")[0] == "services"]:
        del sys.modules[name]
    return CliRunner().invoke(blackcat, ["-C", str(root), "generate-deploy", *arguments])


def files_below(root):
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.suffix != ".pyc" and path.is_file()
    }


def edit(path, before, after):
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize("name", ["payment", "payment_processor"])
def test_what_the_examples_have_is_what_their_registries_say(name):
    done = generate(EXAMPLES / name, "--check")
    assert done.exit_code == 0, done.output
    assert "kept" not in done.output


def test_it_writes_the_targets_that_are_asked_for_and_remembers_them(shop):
    done = generate(shop, "--target", "kubernetes", "--target", "github-actions")
    assert done.exit_code == 0, done.output
    assert f"created: {SERVICES}/orders.yaml\n" in done.stdout
    assert (shop / ".github/workflows/deploy.yaml").is_file()
    assert not (shop / "deploy/lambda").exists()
    # The pipeline builds an image.
    assert list(json.loads((shop / MANIFEST).read_text())) == ["docker", "github-actions", "kubernetes"]


def test_a_dockerfile_of_the_team_is_left_to_it(shop):
    (shop / "Dockerfile").write_text("FROM ours\n")
    assert generate(shop, "--target", "kubernetes", "--target", "github-actions").exit_code == 0
    assert list(json.loads((shop / MANIFEST).read_text())) == ["github-actions", "kubernetes"]


def test_a_target_that_is_removed_takes_its_files_along_but_those_that_were_edited(shop):
    generate(shop, "--target", "kubernetes", "--target", "lambda")
    (shop / "deploy/lambda/dev.json").write_text("{}\n")
    done = generate(shop, "--remove-target", "lambda")
    assert done.exit_code == 0, done.output
    assert "removed: deploy/lambda/template.yaml" in done.stdout
    assert [path.name for path in (shop / "deploy/lambda").iterdir()] == ["dev.json"]
    assert list(json.loads((shop / MANIFEST).read_text())) == ["kubernetes"]
    assert generate(shop, "--check").exit_code == 0
    assert "is no target of this project" in generate(shop, "--remove-target", "lambda").output


def test_nothing_is_deleted_where_something_cannot_be(shop):
    declare(shop, "orders", "invoices", "refunds")
    generate(shop, "--target", "kubernetes")
    before = files_below(shop / "deploy")
    (shop / SERVICES / f".refunds.yaml.{os.getpid()}.removed").mkdir()
    declare(shop, "orders")
    done = generate(shop)
    assert isinstance(done.exception, ProjectError)
    assert "refunds.yaml cannot be deleted" in str(done.exception)
    assert files_below(shop / "deploy") == before


def test_a_file_where_a_folder_belongs_and_a_read_only_one_are_told(shop):
    (shop / "deploy").write_text("mine\n")
    told = str(generate(shop, "--target", "kubernetes").exception)
    assert told.endswith("deploy is a file: move it, a folder belongs there")
    (shop / "deploy").unlink()
    generate(shop, "--target", "kubernetes")
    (shop / SERVICES / "orders.yaml").chmod(0o444)
    (shop / "pyproject.toml").write_text(
        PYPROJECT + "[tool.blackcat.deploy]\nshutdown_timeout_seconds = 50\n"
    )
    assert "orders.yaml is read-only" in str(generate(shop).exception)


@pytest.mark.parametrize(
    ("dependency", "warned"),
    [("blackcat", True), ("blackcat[lambda]>=1", False), ("blackcat[aws, lambda]", False), ("mangum", False)],
)
def test_an_api_for_lambda_without_the_extra_is_warned_of(shop, dependency, warned):
    (shop / "pyproject.toml").write_text(f'{PYPROJECT}dependencies = ["{dependency}"]\n')
    done = generate(shop, "--target", "lambda")
    assert done.exit_code == 0
    assert ("warning: orders: REST APIs do not start on Lambda" in done.stderr) is warned


def test_a_second_run_changes_nothing_and_says_so(shop):
    generate(shop, "--target", "kubernetes")
    before = files_below(shop)
    done = generate(shop)
    assert done.exit_code == 0
    assert done.stdout.startswith("nothing to do: ")
    assert files_below(shop) == before


def test_another_target_is_added_to_those_that_are_there(shop):
    generate(shop, "--target", "compose", "--target", "docker", "--target", "github-actions")
    declare(shop, "orders", "invoices")
    done = generate(shop, "--target", "kubernetes")
    assert "replaced: compose.yaml" in done.stdout
    assert f"created: {SERVICES}/invoices.yaml" in done.stdout
    assert "replaced: .github/workflows/deploy.yaml" in done.stdout


def test_all_is_every_target(shop):
    assert "a pipeline deploys to one" in str(generate(shop, "--target", "all").exception)
    (shop / "pyproject.toml").write_text(PYPROJECT + '[tool.blackcat.deploy]\nplace = "kubernetes"\n')
    done = generate(shop, "--target", "all")
    targets = list(json.loads((shop / MANIFEST).read_text()))
    assert done.exit_code == 0
    assert {"docker", "compose", "ecs", "kubernetes", "lambda", "github-actions", "gitlab-ci"} == set(targets)


def test_check_fails_where_the_registry_has_changed_and_writes_nothing(shop):
    generate(shop, "--target", "kubernetes")
    assert generate(shop, "--check").exit_code == 0
    declare(shop, "orders", "invoices")
    before = files_below(shop)
    done = generate(shop, "--check")
    assert done.exit_code == 1
    assert f"would be created: {SERVICES}/invoices.yaml" in done.stderr
    assert "would be replaced: deploy/kubernetes/base/kustomization.yaml" in done.stderr
    assert "+  - services/invoices.yaml\n" in done.stdout
    assert files_below(shop) == before


def test_check_fails_for_a_target_that_was_never_written(shop):
    assert generate(shop, "--target", "lambda", "--check").exit_code == 1
    assert not (shop / "deploy").exists()


def test_dry_run_shows_the_diff_and_writes_nothing(shop):
    done = generate(shop, "--target", "kubernetes", "--dry-run")
    assert done.exit_code == 0
    assert f"+++ b/{SERVICES}/orders.yaml" in done.stdout
    assert not (shop / "deploy").exists()


def test_edits_are_kept_while_the_rest_of_the_file_changes(shop):
    generate(shop, "--target", "kubernetes")
    edited = shop / SERVICES / "orders.yaml"
    edit(edited, "maxReplicas: 10", "maxReplicas: 30")
    assert generate(shop, "--check").exit_code == 0
    (shop / "pyproject.toml").write_text(
        PYPROJECT + "[tool.blackcat.deploy]\nshutdown_timeout_seconds = 50\n"
    )
    done = generate(shop)
    assert done.exit_code == 0
    assert f"merged: {SERVICES}/orders.yaml  (with your edits in it)" in done.stdout
    assert "maxReplicas: 30" in edited.read_text()
    assert "terminationGracePeriodSeconds: 60" in edited.read_text()
    assert generate(shop).stdout.startswith(
        f"kept: {SERVICES}/orders.yaml  (as you edited it)\nnothing to do"
    )


def test_edits_of_the_same_lines_stay_and_the_new_text_waits_beside_them(shop):
    generate(shop, "--target", "kubernetes")
    edited, new = shop / SERVICES / "orders.yaml", shop / SERVICES / "orders.yaml.new"
    edit(edited, "terminationGracePeriodSeconds: 35", "terminationGracePeriodSeconds: 99")
    (shop / "pyproject.toml").write_text(
        PYPROJECT + "[tool.blackcat.deploy]\nshutdown_timeout_seconds = 50\n"
    )
    done = generate(shop)
    assert done.exit_code == 1
    assert f"in conflict: {SERVICES}/orders.yaml" in done.stdout
    assert "terminationGracePeriodSeconds: 99" in edited.read_text()
    assert "terminationGracePeriodSeconds: 60" in new.read_text()
    # A clone of the repository has no FILE.new: it is a conflict there, too.
    new.unlink()
    for arguments in (["--check"], [], ["--check"]):
        again = generate(shop, *arguments)
        assert again.exit_code == 1
        assert f"in conflict: {SERVICES}/orders.yaml  (you edited the lines that differ now;" in again.output
    assert generate(shop, "--resolved", f"{SERVICES}/orders.yaml").exit_code == 0
    assert not new.exists()
    assert "terminationGracePeriodSeconds: 99" in edited.read_text()
    assert generate(shop, "--check").exit_code == 0


def test_who_took_over_the_new_text_has_only_to_delete_the_file_beside_it(shop):
    generate(shop, "--target", "kubernetes")
    edited, new = shop / SERVICES / "orders.yaml", shop / SERVICES / "orders.yaml.new"
    edit(edited, "terminationGracePeriodSeconds: 35", "terminationGracePeriodSeconds: 99")
    (shop / "pyproject.toml").write_text(
        PYPROJECT + "[tool.blackcat.deploy]\nshutdown_timeout_seconds = 50\n"
    )
    generate(shop)
    edited.write_text(new.read_text().replace("maxReplicas: 10", "maxReplicas: 30"))
    told = generate(shop)
    assert told.exit_code == 1
    assert f"waiting: {SERVICES}/orders.yaml  ({SERVICES}/orders.yaml.new is still there" in told.output
    new.unlink()
    assert generate(shop, "--check").exit_code == 0


def test_a_file_that_stood_there_before_is_not_replaced(shop):
    (shop / ".gitlab-ci.yml").write_text("ours: {script: [true]}\n")
    done = generate(shop, "--target", "gitlab-ci")
    assert done.exit_code == 1
    assert (shop / ".gitlab-ci.yml").read_text() == "ours: {script: [true]}\n"
    assert "stages:" in (shop / ".gitlab-ci.yml.new").read_text()


def test_force_gives_up_edits_and_writes_deleted_files_again(shop):
    generate(shop, "--target", "lambda")
    before = files_below(shop / "deploy")
    (shop / "deploy/lambda/template.yaml").write_text("edited\n")
    (shop / "deploy/lambda/dev.json").unlink()
    assert generate(shop, "--force").exit_code == 0
    assert files_below(shop / "deploy") == before


def test_a_file_that_was_deleted_stays_away(shop):
    generate(shop, "--target", "lambda")
    (shop / "deploy/lambda/dev.json").unlink()
    done = generate(shop)
    assert done.exit_code == 0
    assert "left out: deploy/lambda/dev.json" in done.stdout
    assert not (shop / "deploy/lambda/dev.json").exists()


def test_files_of_a_service_that_is_gone_go_unless_they_were_edited(shop):
    declare(shop, "orders", "invoices", "refunds")
    generate(shop, "--target", "kubernetes")
    edit(shop / SERVICES / "refunds.yaml", "maxReplicas: 10", "maxReplicas: 30")
    declare(shop, "orders")
    done = generate(shop)
    assert done.exit_code == 0
    assert f"removed: {SERVICES}/invoices.yaml" in done.stdout
    assert f"orphaned: {SERVICES}/refunds.yaml" in done.stdout
    assert not (shop / SERVICES / "invoices.yaml").exists()
    assert (shop / SERVICES / "refunds.yaml").exists()


def test_line_ends_of_windows_are_no_edit(shop):
    generate(shop, "--target", "kubernetes")
    for path in (shop / "deploy").rglob("*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = generate(shop)
    assert done.stdout.startswith("nothing to do: ")


def test_templates_of_the_team_go_before_ours_and_bring_targets_of_their_own(shop):
    (shop / "pyproject.toml").write_text(PYPROJECT + '[tool.blackcat]\ntemplates = "templates"\n')
    for path, text in {
        "lambda/files/deploy/lambda/template.yaml": "ours: {{ deployment.name }}\n",
        "nomad/service/deploy/nomad/{{ service.label }}.hcl": 'job "{{ service.label }}" {}\n',
        "nomad/files/deploy/nomad/blank.hcl": "{# nothing #}\n",
    }.items():
        target = shop / "templates/deploy" / f"{path}.jinja"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    done = generate(shop, "--target", "nomad", "--target", "lambda")
    assert done.exit_code == 0, done.output
    assert (shop / "deploy/lambda/template.yaml").read_text() == "ours: shop\n"
    assert (shop / "deploy/nomad/orders.hcl").read_text() == 'job "orders" {}\n'
    assert not (shop / "deploy/nomad/blank.hcl").exists()
    shutil.rmtree(shop / "templates/deploy/nomad")
    assert "the templates of target 'nomad' are gone: bring them back" in generate(shop).output
    assert generate(shop, "--remove-target", "nomad").exit_code == 0
    assert not (shop / "deploy/nomad/orders.hcl").exists()


@pytest.mark.parametrize(
    ("requires", "python"),
    [
        ("", "3.12"),
        (">=3.10", "3.12"),
        (">=3.13", "3.13"),
        ("~=3.14", "3.14"),
        ("==3.13.*", "3.13"),
        (">=3.10,<3.12", "3.11"),
        (">=3.10, <4", "3.12"),
        ("==3.11.*", "3.11"),
        ("<=3.11", "3.11"),
        (">=3.12.4", "3.12"),
    ],
)
def test_python_is_one_that_the_project_takes(shop, requires, python):
    (shop / "pyproject.toml").write_text(f"{PYPROJECT}requires-python = '{requires}'\n")
    generate(shop, "--target", "lambda")
    assert f"Runtime: python{python}\n" in (shop / "deploy/lambda/template.yaml").read_text()


def test_the_options_of_pyproject_go_before(shop):
    options = '[tool.blackcat.deploy]\npython = "3.11"\nshutdown_timeout_seconds = 40\n'
    (shop / "pyproject.toml").write_text(PYPROJECT + options)
    generate(shop, "--target", "lambda", "--target", "kubernetes")
    assert "Runtime: python3.11\n" in (shop / "deploy/lambda/template.yaml").read_text()
    assert 'value: "40"' in (shop / SERVICES / "orders.yaml").read_text()


def test_a_new_project_with_a_service_of_each_kind_is_deployed_everywhere(tmp_path):
    assert (
        CliRunner().invoke(blackcat, ["-C", str(tmp_path), "new", "my-shop", "--context", "orders"]).exit_code
        == 0
    )
    root = tmp_path / "my-shop"
    for name, *options in (
        ("take-order", "--type", "consumer", "--fifo"),
        ("sweep", "--type", "worker", "--schedule", "rate(5 minutes)"),
        ("orders-api", "--type", "rest-api"),
    ):
        assert (
            CliRunner().invoke(blackcat, ["-C", str(root), "generate-service", name, *options]).exit_code == 0
        )
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write('\n[tool.blackcat.deploy]\nplace = "ecs"\n')
    done = generate(root, "--target", "all")
    assert done.exit_code == 0, done.output
    assert generate(root, "--check").exit_code == 0
    assert "make test check" in (root / ".github/workflows/ci.yaml").read_text()


def test_what_a_target_cannot_do_is_refused_before_anything_is_written(shop):
    worker = 'Service(name="sweep", type=ServiceType.WORKER, entrypoint="a:b", schedule="cron(0 3 L * ? *)")'
    imports = "from blackcat import Service, ServiceRegistry, ServiceType\n"
    (shop / "services.py").write_text(f"{imports}services = ServiceRegistry([{worker}])\n")
    done = generate(shop, "--target", "kubernetes", "--target", "lambda")
    assert isinstance(done.exception, ConfigurationError)
    assert str(done.exception).startswith("worker 'sweep': cron(0 3 L * ? *) has 'L' or 'W'")
    assert not (shop / "deploy").exists()
    assert generate(shop, "--target", "lambda").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "heroku"], "there is no target 'heroku': choose compose, docker, ecs, "),
        ([], "say what to deploy to, with --target: "),
        (["--target", "shared"], "there is no target 'shared'"),
        (["--target", "lambda", "--resolved", "x"], "x is not generated: name the file as it is told"),
    ],
)
def test_a_wrong_command_line_says_what_would_do(shop, arguments, told):
    done = generate(shop, *arguments)
    assert done.exit_code == 2
    assert told in done.output


@pytest.mark.parametrize(
    ("pyproject", "registry", "told"),
    [
        (PYPROJECT, "services = 1\n", "has no ServiceRegistry named 'services'"),
        (PYPROJECT, "import nowhere\n", "services.py:1: ModuleNotFoundError"),
        (
            PYPROJECT,
            REGISTRY.format(names="[]"),
            "there is nothing to deploy: add one with `blackcat generate-service`",
        ),
        ("", REGISTRY.format(names=["a"]), r"has no \[project\], so nothing says what"),
        (PYPROJECT + "[tool.blackcat.deploy]\npython = 3.12\n", None, "python is 3.12: write a version"),
        (PYPROJECT + "[tool.blackcat.deploy]\nshutdown_timeout_seconds = 0\n", None, "write 1 to 3600"),
        (PYPROJECT + 'requires-python = "<3.9"\n', None, "and Blackcat runs on 3.10, 3.11"),
        (PYPROJECT + 'requires-python = "3.11"\n', None, "requires-python is '3.11': Invalid specifier"),
        (
            PYPROJECT + "[tool.blackcat.deploy]\npyton = 1\n",
            None,
            "has 'pyton', which Blackcat does not know",
        ),
        (PYPROJECT + "[tool.blackcat]\ndeploy = 1\n", None, r"\[tool.blackcat.deploy\] must be a table"),
    ],
)
def test_a_project_that_cannot_be_deployed_is_told_why(shop, pyproject, registry, told):
    (shop / "pyproject.toml").write_text(pyproject)
    if registry:
        (shop / "services.py").write_text(registry)
    done = generate(shop, "--target", "kubernetes")
    assert isinstance(done.exception, ConfigurationError)
    with pytest.raises(ConfigurationError, match=told):
        raise done.exception
    assert not (shop / "deploy").exists()


def test_no_project_at_all(tmp_path):
    done = generate(tmp_path, "--target", "kubernetes")
    assert isinstance(done.exception, ProjectError)
    assert "is no Blackcat project" in str(done.exception)


def test_a_manifest_that_somebody_broke_is_told_with_a_way_out(shop):
    generate(shop, "--target", "kubernetes")
    (shop / MANIFEST).write_text("<<<<<<< ours\n")
    done = generate(shop)
    assert isinstance(done.exception, ProjectError)
    assert "take it from version control, or delete it" in str(done.exception)
    (shop / MANIFEST).unlink()
    assert "nothing to do" in generate(shop, "--target", "kubernetes").stdout
