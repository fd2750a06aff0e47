"""Time zones by their IANA names, as EventBridge Scheduler takes them."""

from __future__ import annotations

import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from blackcat.errors import InvalidDeclaration

# In the database beside the zones: what this machine is set to, and copies of it all.
_NO_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")


def time_zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises InvalidDeclaration, with the nearest names that there are.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#time-zones
    """
    try:
        if isinstance(name, str) and not name.startswith(_NO_ZONES):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database
        pass
    raise InvalidDeclaration(f"timezone {name!r}: {_advice(str(name))}")


def _advice(name: str) -> str:
    known = available_timezones()
    if not known:
        return "this machine has no time zone database: install the package tzdata"
    folded = {zone.casefold(): zone for zone in sorted(known) if not zone.startswith(_NO_ZONES)}
    # People know the city: sao_paulo, New York.
    cities = {key.rpartition("/")[2]: zone for key, zone in folded.items()}
    wanted = name.casefold().replace(" ", "_")
    nearest = [folded[key] for key in difflib.get_close_matches(wanted, folded, n=1, cutoff=0.75)]
    nearest += [
        cities[key] for key in difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=1, cutoff=0.75)
    ]
    hint = f" (did you mean {' or '.join(dict.fromkeys(nearest))}?)" if nearest else ""
    return f"there is no such time zone{hint}: write an IANA name, such as 'America/Sao_Paulo', or 'UTC'"
