from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from blackcat import Check, Service, ServiceType

ConnectionPool = Any  # of a database's driver
