"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

# Becomes the command itself. The request outlives exec, and goes to the kernel: nothing has to run here
# when we are killed. https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_TIE = """
import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, int(sys.argv[2]))
except (ImportError, OSError, AttributeError):
    pass  # a Python that was built without libffi: the command runs all the same
if os.getppid() != int(sys.argv[1]):
    sys.exit("whoever started this is gone already")
os.execvp(sys.argv[3], sys.argv[3:])
"""


def tied(command: Sequence[str], *, sent: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command of a process that gets SIGTERM (or what is ``sent``) when this one ends, even by SIGKILL.

    On Linux, and for what the main thread starts: the kernel watches the thread, and others end early.
    Elsewhere it is the command itself. A program that does not exist ends with status 1.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid()), str(int(sent)), *command]
