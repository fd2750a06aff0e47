from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest

from blackcat.application.packaging.requirements import is_pinned, name_of, requirement_lines
from blackcat.errors import InvalidPackage

FILES = {
    "requirements.txt": """
# by hand
--require-hashes
-r requirements/base.txt
six==1.17.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
Flask[async]>=3  # the web
""",
    "requirements/base.txt": "-r more.txt\nboto3\n",
    "requirements/more.txt": "tomli ; python_version < '3.11'\n",
    "index.txt": "--extra-index-url https://user:canary@packages.example/simple\nours\n",
    "glued.txt": "-ihttps://user:canary@packages.example/simple\n",
    "editable.txt": "-e .\n",
    "source.txt": "ours @ git+https://canary@git.example/ours.git\n",
    "folder.txt": "./ours\n",
    "circle.txt": "-r requirements/arc.txt\n",
    "requirements/arc.txt": "six\n-r ../circle.txt\n",
    "constrained.txt": "six\n-c constraints.txt\n",
}


def read(path: PurePosixPath) -> str:
    return FILES[os.path.normpath(path)]


def test_files_are_read_with_those_that_they_include() -> None:
    assert [
        " ".join(line.split()) for line in requirement_lines(PurePosixPath("requirements.txt"), read)
    ] == [
        "tomli ; python_version < '3.11'",
        "boto3",
        "six==1.17.0 --hash=sha256:aa --hash=sha256:bb",
        "Flask[async]>=3",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("constrained.txt", "constraints are not read: pin the versions"),
        ("index.txt", "'--extra-index-url', and indexes are pip's own to know"),
        ("glued.txt", "'-i', and indexes are pip's own to know"),
        ("editable.txt", "'-e', and only wheels are packed"),
        ("source.txt", "source.txt has ours from its source, and only wheels are packed"),
        ("folder.txt", "folder.txt has a package from its source"),
        ("circle.txt", "circle.txt includes itself, by way of circle.txt, requirements/arc.txt"),
    ],
)
def test_nothing_that_matters_is_left_out_silently(name: str, told: str) -> None:
    with pytest.raises(InvalidPackage, match=told) as raised:
        list(requirement_lines(PurePosixPath(name), read))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Flask[async]>=3", "flask"),
        ("zope.interface", "zope-interface"),
        ("typing_extensions==4.1 ; python_version < '3.11'", "typing-extensions"),
        ("blackcat @ https://example.org/blackcat.whl", "blackcat"),
        ("git+https://example.org/x.git", ""),
        ("./wheels/x.whl", ""),
        ("https://example.org/x.whl", ""),
    ],
)
def test_names_are_normalized(requirement: str, name: str) -> None:
    assert name_of(requirement) == name


def test_a_pin_leaves_one_version() -> None:
    assert is_pinned("six==1.17.0 --hash=sha256:aa")
    assert not is_pinned("six>=1 ; python_version == '3.11'")
