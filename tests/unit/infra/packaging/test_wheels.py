"""Wheels for another Python and processor, found by the real pip in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.wheels import Wheel, resolved
from wheelhouse import make_wheel

HERE = Target("3.12", "x86_64")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "found").mkdir()
    return tmp_path / "house"


def found(house: Path, *requirements: str, target: Target = HERE, exclude: tuple[str, ...] = ()) -> list[str]:
    folder = house.parent / "found"
    wheels = resolved(requirements, target, folder, exclude=exclude, find_links=[house])
    return [f"{wheel.name}=={wheel.version}" for wheel in wheels]


def test_what_is_required_is_found_with_what_that_requires(house: Path) -> None:
    make_wheel(house, "soup", requires=["water>=1", "salt; extra == 'salty'"], extras=["salty"])
    make_wheel(house, "water")
    make_wheel(house, "salt")
    assert found(house, "soup") == ["soup==1.0", "water==1.0"]
    assert found(house, "soup[salty]") == ["salt==1.0", "soup==1.0", "water==1.0"]


def test_markers_are_judged_for_the_target_not_for_this_python(house: Path) -> None:
    """pip judges them for the Python that it runs on: one of these two is always another one."""
    make_wheel(
        house,
        "soup",
        requires=[
            *(f"only{minor}; python_version == '3.{minor}'" for minor in range(10, 15)),
            "arm; platform_machine == 'aarch64'",
            "windows; sys_platform == 'win32'",
        ],
    )
    make_wheel(house, "only10", requires=["deeper; python_version < '3.11'"])
    for name in ("only11", "only12", "only13", "only14", "arm", "windows", "deeper"):
        make_wheel(house, name)
    assert found(house, "soup", target=Target("3.10", "arm64")) == [
        "arm==1.0",
        "deeper==1.0",
        "only10==1.0",
        "soup==1.0",
    ]
    assert found(house, "soup", target=Target("3.13", "x86_64")) == ["only13==1.0", "soup==1.0"]


def test_the_wheel_of_the_targets_processor_and_glibc_is_taken(house: Path) -> None:
    for tag in ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "manylinux_2_39_x86_64", "win_amd64"):
        make_wheel(house, "native", tag=f"cp312-cp312-{tag}")
    make_wheel(house, "native", "2.0", tag="cp312-cp312-manylinux_2_39_x86_64")
    assert found(house, "native") == ["native==1.0"]
    [wheel] = (house.parent / "found").glob("*.whl")
    assert wheel.name.endswith("manylinux_2_17_x86_64.whl")


def test_a_package_without_a_wheel_for_the_target_is_named_with_what_to_do(house: Path) -> None:
    make_wheel(house, "soup", requires=["native"])
    make_wheel(house, "native", tag="cp312-cp312-win_amd64")
    with pytest.raises(InvalidPackage, match=r"native has no wheel for Python 3.12 on x86_64.*--find-links"):
        found(house, "soup")


def test_an_index_that_does_not_answer_is_told_as_that(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:canary@127.0.0.1:9/simple")
    house.mkdir()
    with pytest.raises(InvalidPackage, match="the package index does not answer") as raised:
        found(house, "soup")
    assert "canary" not in str(raised.value)


def test_versions_that_exclude_each_other_are_told(house: Path) -> None:
    make_wheel(house, "soup", requires=["water==1.0"])
    for version in ("1.0", "2.0"):
        make_wheel(house, "water", version)
    with pytest.raises(InvalidPackage, match="(?i)conflict"):
        found(house, "soup", "water==2.0")


def test_a_hash_that_differs_is_refused(house: Path) -> None:
    make_wheel(house, "soup")
    with pytest.raises(InvalidPackage, match="(?i)hash"):
        found(house, f"soup==1.0 --hash=sha256:{'00' * 32}")


def test_what_is_excluded_stays_out_wherever_it_is_required(house: Path) -> None:
    make_wheel(house, "soup", requires=["water", "Salt_Y"])
    make_wheel(house, "water")
    make_wheel(house, "salt_y")
    assert found(house, "soup", "water", exclude=("water", "salt-y")) == ["soup==1.0"]


def test_packages_that_require_each_other_come_to_an_end(house: Path) -> None:
    make_wheel(house, "hen", requires=["egg"])
    make_wheel(house, "egg", requires=["hen[laying]"])
    assert found(house, "hen") == ["egg==1.0", "hen==1.0"]


def test_what_is_no_requirement_is_told(house: Path) -> None:
    make_wheel(house, "soup")
    with pytest.raises(InvalidPackage, match="cannot"):
        found(house, "soup >=> 3")


def test_a_layer_has_the_packages_and_nothing_that_only_pip_needs(tmp_path: Path) -> None:
    files = {
        "soup/__init__.py": "",
        "soup/tests/test_soup.py": "",
        "soup/testing/__init__.py": "",
        "soup/__pycache__/x.cpython-312.pyc": "",
        "soup.libs/libsalt.so": "",
        "soup-1.0.data/platlib/soup/fast.so": "",
        "soup-1.0.data/scripts/soup": "#!python",
        "soup-1.0.data/data/share/man/soup.1": "",
        "soup-1.0.dist-info/entry_points.txt": "",
    }
    wheel = Wheel.read(make_wheel(tmp_path, "soup", files=files))
    assert sorted(str(entry.path) for entry in wheel.entries()) == [
        "python/soup-1.0.dist-info/METADATA",
        "python/soup-1.0.dist-info/WHEEL",
        "python/soup-1.0.dist-info/entry_points.txt",
        "python/soup.libs/libsalt.so",
        "python/soup/__init__.py",
        "python/soup/fast.so",
        "python/soup/testing/__init__.py",
    ]
