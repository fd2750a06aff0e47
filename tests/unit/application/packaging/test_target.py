from __future__ import annotations

import pytest

from blackcat.application.packaging.target import GLIBC, Target
from blackcat.errors import InvalidPackage


def test_each_python_takes_the_wheels_of_its_glibc() -> None:
    assert Target("3.11", "x86_64").platforms[:2] == ["manylinux_2_26_x86_64", "manylinux_2_25_x86_64"]
    assert Target("3.12", "arm64").platforms[0] == "manylinux_2_34_aarch64"


@pytest.mark.parametrize("python", GLIBC)
def test_the_older_names_of_the_standards_are_asked_for_too(python: str) -> None:
    assert "manylinux2014_x86_64" in Target(python, "x86_64").platforms
    assert "manylinux1_x86_64" in Target(python, "x86_64").platforms
    arm = Target(python, "arm64").platforms
    assert "manylinux2014_aarch64" in arm
    assert not any("2010" in tag or "manylinux1_" in tag for tag in arm)


def test_markers_are_those_of_lambda_not_of_this_machine() -> None:
    markers = Target("3.10", "arm64").markers
    assert (markers["python_version"], markers["platform_machine"]) == ("3.10", "aarch64")
    assert markers["sys_platform"] == "linux"


@pytest.mark.parametrize(("python", "architecture"), [("3.9", "x86_64"), ("3.12", "aarch64"), ("", "")])
def test_what_lambda_does_not_have_is_refused(python: str, architecture: str) -> None:
    with pytest.raises(InvalidPackage, match="choose"):
        Target(python, architecture)
