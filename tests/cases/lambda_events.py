"""Events as AWS documents them, one file per source."""

import copy
import json
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden" / "lambda_events"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
HTTP = ("alb", "alb_multi_value", "api_gateway_v1", "api_gateway_v2", "function_url")
SCHEDULES = ("schedule_rule", "schedule_scheduler")


def golden(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def with_one_missing(name):
    """Each variant of the event that lacks one field, with the path of that field."""
    for path in _paths(golden(name)):
        event = copy.deepcopy(golden(name))
        inner = event
        for part in path[:-1]:
            inner = inner[part]
        del inner[path[-1]]
        yield path, event


def _paths(value, before=()):
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        if isinstance(value, dict):
            yield (*before, key)
        yield from _paths(inner, (*before, key))
