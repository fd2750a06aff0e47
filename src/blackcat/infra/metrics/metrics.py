"""The metrics of a service while it runs, as the setting METRICS says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Lock, Thread

from blackcat.application.events import EventLog
from blackcat.application.metrics import NoMetrics, metrics
from blackcat.application.recorder import Recorder
from blackcat.domain.metric import Kind, Labels
from blackcat.errors import ConfigurationError
from blackcat.infra.health_server import Paths, Reply, listening, served
from blackcat.infra.metrics.board import MAX_SETS_BYTES, Board, set_bytes
from blackcat.infra.metrics.emf import emf_metrics
from blackcat.infra.metrics.prometheus import CONTENT_TYPE, exposition, merged
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings

log = EventLog("blackcat.metrics")

PATH = "/metrics"
# Nothing is handed over: scrapes ask for it.
_MINUTE = 60
# How old the numbers of the other workers may be in a scrape.
_PUBLISHED_EVERY_SECONDS = 1.0
# What a stop waits for the last numbers.
_LAST_SECONDS = 3.0


@contextmanager
def process_metrics(service: str, settings: Settings) -> Iterator[Paths]:
    """Record metrics meanwhile; yields what is to be served on the health port for it."""
    if settings.metrics == "emf":
        backend = emf_metrics(service, settings)
        with _used(backend, every=settings.metrics_interval_seconds):
            yield {}
    elif settings.metrics == "prometheus":
        recorder, about = Recorder(masked=redactor.text), _about(service, settings)
        with _used(recorder, every=_MINUTE):
            yield {PATH: lambda: Reply(200, exposition(recorder.collected(), about), CONTENT_TYPE)}
    else:
        yield {}


class ServerMetrics:
    """The metrics of a server that forks workers: made before, and recorded in each of them.

    For Prometheus every worker answers ``GET /metrics`` on the health port, for all of them: it reads
    what the others wrote within the last second. Raises ConfigurationError when the port is taken.
    """

    def __init__(self, service: str, settings: Settings, *, workers: int) -> None:
        self._service = service
        self._settings = settings
        self._place = 0
        self._board: Board | None = None
        if settings.metrics == "prometheus":
            # Workers and those that replace them overlap.
            self._places = 3 * workers
            self._board = Board(self._places)
            _require_two_ports(settings)
            self._listener = listening(settings.health_host, settings.health_port)
            host, port = self._listener.getsockname()[:2]
            log.info("metrics.listening", host=host, port=port)

    def choose_place(self, taken: Collection[int]) -> int:
        """Before a fork: the place of the worker that is to come; those of the living are taken."""
        self._place = next(place for place in range(len(taken) + 1) if place not in taken)
        return self._place

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """In a worker: record its metrics meanwhile, and answer for all."""
        if self._board is None:
            with process_metrics(self._service, self._settings):
                yield
            return
        if self._place >= self._places:
            log.warning("metrics.not_shared", reason="too many workers are ending at once")
            yield
            return
        worker = Published(self._board, self._place)
        with ExitStack() as stack:
            stack.enter_context(_used(worker, every=_PUBLISHED_EVERY_SECONDS))
            stack.enter_context(served(self._listener, {PATH: self._reply(self._board, worker)}))
            yield

    def _reply(self, board: Board, worker: Published) -> Callable[[], Reply]:
        about = _about(self._service, self._settings)

        def reply() -> Reply:
            worker.flush()
            return Reply(200, exposition(merged(board.read_all()), about), CONTENT_TYPE)

        return reply


class Published(Recorder):
    """A worker's numbers, which go on from those of the worker that had its place before."""

    def __init__(self, board: Board, place: int) -> None:
        super().__init__(masked=redactor.text)
        self._board = board
        self._publishing = Lock()
        self._its_place = place
        self._before = [one for one in board.read(place) if one.kind != "gauge"]
        self._sets = {(one.name, one.labels) for one in self._before}
        self._bytes = sum(set_bytes(one.kind, one.name, one.labels) for one in self._before)

    def fits(self, kind: Kind, name: str, labels: Labels) -> bool:
        if not labels or (name, labels) in self._sets:
            return True
        if (together := self._bytes + set_bytes(kind, name, labels)) > MAX_SETS_BYTES:
            return False
        self._bytes = together
        self._sets.add((name, labels))
        return True

    def flush(self) -> None:
        # Scrapes publish too: an older state must not be written after a newer one.
        with self._publishing:
            self._board.write(self._its_place, merged([self._before, self.collected()]))


@contextmanager
def _used(backend: Recorder, *, every: float) -> Iterator[None]:
    """The process's backend meanwhile, flushed every so many seconds and at the end."""
    metrics.use(backend)
    ending = Event()
    thread = Thread(target=_flush_until, args=(ending, backend, every), name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(_LAST_SECONDS)  # what a project watches may hang
        metrics.use(NoMetrics())


def _flush_until(ending: Event, backend: Recorder, every: float) -> None:
    ended = False
    while not ended:
        ended = ending.wait(every)
        try:
            backend.flush()
        except Exception as error:  # whatever it is: a service does not end for its numbers
            log.error("metrics.not_flushed", error=error)


def _require_two_ports(settings: Settings) -> None:
    if (settings.health_host, settings.health_port) == (settings.host, settings.port) and settings.port:
        raise ConfigurationError(
            f"PORT and HEALTH_PORT are both {settings.port}: with METRICS=prometheus a REST API answers "
            f"{PATH} on HEALTH_PORT; give it another one"
        )


def _about(service: str, settings: Settings) -> dict[str, str]:
    return {"service": service, "environment": settings.environment, "version": settings.service_version}
