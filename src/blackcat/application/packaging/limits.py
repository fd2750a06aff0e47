"""What Lambda takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blackcat.application.packaging.artifact import Artifact
from blackcat.errors import InvalidPackage

MiB = 1024 * 1024

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_ZIPPED = 50 * MiB  # uploaded in the call itself; what lies in S3 may be larger
MAX_UNZIPPED = 250 * MiB  # the function and all its layers together
MAX_LAYERS = 5

_LARGEST = 5


def require_within_limits(
    artifacts: Sequence[Artifact], *, layers: Sequence[str] = (), bucket: str | None = None
) -> None:
    """Raises InvalidPackage, with every limit that is broken and what to do.

    ``layers`` are the function's further ones, whose sizes are not known here; ``bucket`` is where zips
    may be uploaded to.
    """
    problems = [
        *_zipped_problems(artifacts, bucket),
        *_unzipped_problems(artifacts),
        *_layer_problems(artifacts, layers),
    ]
    if problems:
        raise InvalidPackage("; ".join(problems))


def largest(artifacts: Sequence[Artifact]) -> list[str]:
    """The largest packages, with their sizes."""
    packages = [package for artifact in artifacts for package in artifact.packages]
    by_size = sorted(packages, key=lambda package: package.size, reverse=True)
    return [f"{package} {mebibytes(package.size)}" for package in by_size[:_LARGEST]]


def mebibytes(size: int) -> str:
    return f"{size / MiB:.1f} MB"


def _zipped_problems(artifacts: Sequence[Artifact], bucket: str | None) -> Iterator[str]:
    for artifact in artifacts:
        if artifact.zipped > MAX_ZIPPED and bucket is None:
            yield (
                f"{artifact.file} has {mebibytes(artifact.zipped)}, and Lambda takes {mebibytes(MAX_ZIPPED)} "
                "in a direct upload: name an S3 bucket to upload to, [tool.blackcat.lambda] bucket in "
                f"pyproject.toml, or pack less{_advice([artifact])}"
            )


def _unzipped_problems(artifacts: Sequence[Artifact]) -> Iterator[str]:
    together = sum(artifact.unzipped for artifact in artifacts)
    if together > MAX_UNZIPPED:
        yield (
            f"function and layers have {mebibytes(together)} together when unzipped, and Lambda takes "
            f"{mebibytes(MAX_UNZIPPED)}: take out what the function does not import{_advice(artifacts)}"
        )


def _layer_problems(artifacts: Sequence[Artifact], layers: Sequence[str]) -> Iterator[str]:
    own = len(artifacts) - 1
    if own + len(layers) > MAX_LAYERS:
        yield (
            f"a function takes {MAX_LAYERS} layers, and beside the {own} that are built here "
            f"[tool.blackcat.lambda] layers has {len(layers)}: leave {own + len(layers) - MAX_LAYERS} out"
        )


def _advice(artifacts: Sequence[Artifact]) -> str:
    packages = largest(artifacts)
    return f" (the largest are {', '.join(packages)})" if packages else ""
