from __future__ import annotations

import json

import pytest

from blackcat.application.packaging.artifact import EKANS, FUNCTION, MEW, Artifact, Package
from blackcat.application.packaging.limits import MiB, require_within_limits
from blackcat.application.packaging.manifest import Manifest, lock
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage

PACKAGES = (Package("numpy", "2.1.0", "ab" * 32, 80 * MiB), Package("six", "1.17.0", "cd" * 32, 1))


def artifacts(*, zipped: int = 1, unzipped: int = 1) -> list[Artifact]:
    return [
        Artifact(FUNCTION, "function.zip", "00", 10, 20),
        Artifact(MEW, "mew.zip", "01", 10, 20),
        Artifact(EKANS, "ekans.zip", "02", zipped, unzipped, PACKAGES),
    ]


def test_all_that_lambda_takes_passes() -> None:
    require_within_limits(artifacts(zipped=50 * MiB, unzipped=250 * MiB - 40), layers=["a", "b", "c"])


def test_a_zip_that_is_too_large_to_upload_needs_a_bucket() -> None:
    large = artifacts(zipped=50 * MiB + 1)
    with pytest.raises(InvalidPackage, match=r"ekans.zip has 50.0 MB.* bucket .*numpy==2.1.0 80.0 MB"):
        require_within_limits(large)
    require_within_limits(large, bucket="uploads")


def test_function_and_layers_are_measured_together() -> None:
    with pytest.raises(InvalidPackage, match="250.0 MB together when unzipped"):
        require_within_limits(artifacts(unzipped=250 * MiB), bucket="uploads")


def test_five_layers_are_enough() -> None:
    with pytest.raises(InvalidPackage, match="has 4: leave 1 out"):
        require_within_limits(artifacts(), layers=["a", "b", "c", "d"])


def test_every_limit_is_told_at_once() -> None:
    with pytest.raises(InvalidPackage, match="(?s)direct upload.*together.*5 layers"):
        require_within_limits(artifacts(zipped=60 * MiB, unzipped=300 * MiB), layers=["a", "b", "c", "d"])


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest(Target("3.13", "arm64"), tuple(artifacts()))
    assert Manifest.loaded(manifest.dumped()) == manifest
    assert lock(manifest.artifacts)[0] == f"numpy==2.1.0 --hash=sha256:{'ab' * 32}"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "artifacts": [{}]}'])
def test_what_is_no_manifest_is_told(text: str) -> None:
    with pytest.raises(InvalidPackage, match="build again, with `blackcat package`"):
        Manifest.loaded(text)


def test_a_manifest_without_an_artifact_is_told() -> None:
    content = json.loads(Manifest(Target("3.13", "arm64"), tuple(artifacts())).dumped())
    content["artifacts"].pop()
    with pytest.raises(InvalidPackage, match="no artifact 'ekans'"):
        Manifest.loaded(json.dumps(content)).artifact(EKANS)
