"""Where an artifact runs: a Python and a processor of Lambda's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blackcat.errors import InvalidPackage

# Each Python's image has a glibc of its own: Amazon Linux 2 until 3.11, Amazon Linux 2023 since.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBC = {"3.10": (2, 26), "3.11": (2, 26), "3.12": (2, 34), "3.13": (2, 34), "3.14": (2, 34)}
# As Lambda names them, and as uname and the tags of wheels do.
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

# The manylinux standards that were named by their year, by their glibc.
# https://peps.python.org/pep-0600/
_BY_YEAR = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_OLDEST = {"x86_64": 5, "aarch64": 17}


@dataclass(frozen=True)
class Target:
    """A Python ("3.12") and an architecture ("arm64") of Lambda's. Raises InvalidPackage for others."""

    python: str
    architecture: str

    def __post_init__(self) -> None:
        if self.python not in GLIBC:
            raise InvalidPackage(f"Lambda has no Python '{self.python}': choose one of {', '.join(GLIBC)}")
        if self.architecture not in MACHINES:
            raise InvalidPackage(
                f"Lambda has no architecture '{self.architecture}': choose {' or '.join(MACHINES)}"
            )

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}"

    @property
    def runtime(self) -> str:
        return f"python{self.python}"

    @property
    def machine(self) -> str:
        return MACHINES[self.architecture]

    @property
    def glibc(self) -> tuple[int, int]:
        return GLIBC[self.python]

    @property
    def platforms(self) -> list[str]:
        """The tags of wheels that run there, the newest first: pip prefers them in this order."""
        tags = []
        for minor in range(self.glibc[1], _OLDEST[self.machine] - 1, -1):
            tags.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in _BY_YEAR:
                tags.append(f"{_BY_YEAR[minor]}_{self.machine}")
        return tags

    @property
    def markers(self) -> Mapping[str, str]:
        """The values of environment markers there: pip evaluates them for the machine that it runs on.

        Lambda keeps each Python at a late patch release, and does not say at which.
        https://packaging.python.org/en/latest/specifications/dependency-specifiers/
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.99",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.99",
            "python_version": self.python,
            "sys_platform": "linux",
        }
