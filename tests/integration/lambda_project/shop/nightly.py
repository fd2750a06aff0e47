import logging

from blackcat import Run

log = logging.getLogger("shop")


def run(run: Run) -> None:
    log.info("nightly.ran", extra={"fields": {"due": str(run.scheduled_at), "token": run.fencing_token}})
