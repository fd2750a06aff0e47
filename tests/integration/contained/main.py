"""An API whose requests leave processes behind, as a handler does that starts a program and goes on."""

import subprocess
from pathlib import Path

from flask import Blueprint

from blackcat import Service, ServiceType, run_microservice

blueprint = Blueprint("orphans", __name__)


@blueprint.post("/orphans")
def leave_orphan():
    # The shell ends at once; process 1 inherits the one that it started.
    subprocess.run(["sh", "-c", "sleep 0.2 &"], check=True)
    return {}, 201


@blueprint.get("/processes")
def processes():
    found = [state for path in Path("/proc").glob("[0-9]*/stat") if (state := _state(path))]
    return {"zombies": found.count("Z"), "sleeping_children": _sleeps()}


def _state(path):
    try:
        return path.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def _sleeps():
    names = [path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm") if path.exists()]
    return names.count("sleep")


if __name__ == "__main__":
    run_microservice(Service(name="orphans", type=ServiceType.REST_API, endpoint_module="main"))
