"""Add an operation with its model, command, route and tests: `python -m src.core.mew.generate NAME`.

The same as `blackcat generate-operation NAME`; `--help` tells the options.
"""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def main(arguments: list[str]) -> None:
    from blackcat.entrypoints.cli.main import main as command_line

    sys.argv = ["blackcat", "-C", str(PROJECT), "generate-operation", *arguments]
    command_line()


if __name__ == "__main__":
    main(sys.argv[1:])
