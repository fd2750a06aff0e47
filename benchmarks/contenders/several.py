"""The same command several times, as a process manager runs it: ``several.py 2 celery …``."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


def main() -> int:
    count, command, *arguments = sys.argv[1:]
    program = str(Path(sys.executable).with_name(command))
    processes = [subprocess.Popen([program, *arguments]) for _ in range(int(count))]

    def stop(number: int, _: object) -> None:
        for process in processes:
            process.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
    return max(process.wait() for process in processes)


if __name__ == "__main__":
    sys.exit(main())
