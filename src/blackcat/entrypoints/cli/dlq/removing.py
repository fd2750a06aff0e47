"""What redrive and purge share: a removal that shows its progress, can be stopped, and is accounted for."""

from __future__ import annotations

import time
from collections.abc import Callable

from blackcat.application.clock import SystemClock
from blackcat.application.redrive.pace import Pace
from blackcat.application.redrive.removal import Removal, Secure, Tally
from blackcat.application.redrive.sweep import Sweep, swept
from blackcat.application.redrive.wanted import Wanted
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue
from blackcat.entrypoints.cli.dlq.progress import progress_bar
from blackcat.entrypoints.cli.dlq.stopping import stops_between_batches


def remove(
    letters: DeadLetterQueue,
    secure: Callable[[Sweep], Secure],
    *,
    label: str,
    which: Wanted,
    limit: int | None,
    rate: float | None,
    summarise: Callable[[Tally], int],
) -> int:
    """Remove the wanted messages; the exit status, from ``summarise``, which is called however it ends."""
    clock, queue, tally = SystemClock(), letters.queue, Tally()
    expected, visibility = letters.waiting, letters.description.visibility_timeout
    try:
        with (
            stops_between_batches() as stopping,
            progress_bar(label, expected) as progress,
            swept(queue, expected=expected, visibility=visibility, started_at=clock.now()) as sweep,
        ):
            Removal(
                queue=queue,
                tally=tally,
                wanted=which,
                secure=secure(sweep),
                pace=Pace(per_second=rate, clock=clock, pause=time.sleep),
                stopping=stopping,
                pause=time.sleep,
                progress=progress,
                limit=limit,
            ).run(sweep)
    finally:
        status = summarise(tally)
    return status
