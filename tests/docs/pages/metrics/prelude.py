from types import SimpleNamespace
from typing import Any

from blackcat import metrics


def _confirm(command: Any) -> None:
    metrics.count("payments_confirmed", method=command.method)


body, took = b"{}", 0.2
command = SimpleNamespace(method="card")
confirm_payment = SimpleNamespace(execute=_confirm)
