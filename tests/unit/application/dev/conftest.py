"""Processes that end when a test says so."""

import pytest

from blackcat.testing import FrozenClock


class ScriptedProcess:
    """Runs until the test ends it; takes note of what it is asked."""

    def __init__(self):
        self.status = None
        self.asked = []

    def poll(self):
        return self.status

    def terminate(self):
        self.asked.append("terminate")

    def kill(self):
        self.asked.append("kill")


class Stage:
    """What a supervised service starts and says."""

    def __init__(self):
        self.clock = FrozenClock()
        self.processes = []
        self.said = []
        self.due = []

    def launch(self, *due):
        self.due.extend(due)
        self.processes.append(ScriptedProcess())
        return self.processes[-1]

    @property
    def arguments(self):
        return {
            "launch": self.launch,
            "clock": self.clock,
            "patience_seconds": 30.0,
            "say": self.said.append,
        }


@pytest.fixture
def stage():
    return Stage()
