"""Handing scans to workers, one a task, and taking their results back in order.

Comes in: jobs, a cluster, and a call that commits the attempts before they start.
Goes out: (job, outcome) pairs in the order of the jobs, whatever order they finished in,
so that a killed and repeated sweep decides every tie alike.
Refuses: nothing; a worker's death or silence becomes an outcome of its scan.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from distributed import Client, Future, wait
from distributed.scheduler import KilledWorker

from screening import archive, catalogue, inference
from screening.config import Providers
from screening.errors import ScreeningError
from screening.frames import chosen
from screening.lake import Index
from screening.pipeline import Worked, process_series
from screening.privacy import safe_detail
from screening.reasons import Reason, Room
from screening.records import Rejection, ScoringParameters, SeriesJob

_POLL_SECONDS = 1.0
# Attempts committed at once: each commit costs the driver some 40 ms on a disk that is synced.
_ANNOUNCED = 16


@dataclass(frozen=True, slots=True)
class Orders:
    """What every scan of a sweep is worked with."""

    model: str
    parameters: ScoringParameters
    timeout_seconds: float
    threads: int  # of the model in each worker
    providers: Providers


@dataclass(frozen=True, slots=True)
class Handing:
    """What is done as jobs are handed out.

    announce : commits the attempts of the jobs it is given; called before they are sent
    seen_before : packed, what inference saw of a series in an earlier night, else nothing; read
        as each job is sent, so that memory holds those of the scans in flight
    has_changed : whether more of a job's study may have come since it was listed; asked as each job
        is sent, and such a job is not
    """

    announce: Callable[[Sequence[SeriesJob]], None]
    seen_before: Callable[[str], bytes]
    has_changed: Callable[[SeriesJob], bool]


def work(job: SeriesJob, orders: Orders, stored: bytes) -> Worked:
    """Work one scan in a worker process; the one-series boundary of the program."""
    try:
        model = inference.open_model(orders.model, orders.providers)
        return process_series(
            job, model, orders.parameters, picture=True, threads=orders.threads, stored=stored
        )
    except MemoryError as error:
        reason, detail = Reason.OUT_OF_MEMORY, safe_detail(error)
    except Exception as error:  # noqa: BLE001 - one bad scan must cost one scan
        reason, detail = Reason.CRASHED, safe_detail(error)
    return Worked(job.series_key, Rejection(Room.SWEEP, job.series_key, reason, detail), 0)


class _Flight:
    """The scans that are out at this moment."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders
        self._out: dict[Future[Worked], tuple[int, SeriesJob, float]] = {}

    def __len__(self) -> int:
        return len(self._out)

    def send(self, place: int, job: SeriesJob, stored: bytes) -> None:
        name = f"{job.series_key}-{job.attempt}"
        future = self._client.submit(
            work, job, self._orders, stored, pure=False, retries=0, key=name
        )
        self._out[future] = (place, job, time.monotonic())

    def landed(self) -> list[tuple[int, SeriesJob, Worked]]:
        """Wait a moment; return what has come back or has been out for too long."""
        try:
            done = wait(list(self._out), timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            done = set()
        back = []
        for future in done:
            place, job, _ = self._out.pop(future)
            back.append((place, job, _result(future, job)))
            future.release()
        return back + self._overdue()

    def _overdue(self) -> list[tuple[int, SeriesJob, Worked]]:
        now = time.monotonic()
        late = [f for f, o in self._out.items() if now - o[2] > self._orders.timeout_seconds]
        back = []
        for future in late:
            place, job, _ = self._out.pop(future)
            at = [w for w, keys in self._client.processing().items() if future.key in keys]
            future.cancel()
            self._client.restart_workers(at, raise_for_error=False)
            late_rejection = Rejection(Room.SWEEP, job.series_key, Reason.TIMEOUT)
            back.append((place, job, Worked(job.series_key, late_rejection, 0)))
        return back


def _result(future: "Future[Worked]", job: SeriesJob) -> Worked:
    error = future.exception()
    if error is None:
        result: Worked = future.result()
        return result
    if not isinstance(error, KilledWorker):
        raise ScreeningError(f"the cluster failed: {safe_detail(error)}; run the sweep again")
    return Worked(
        job.series_key, Rejection(Room.SWEEP, job.series_key, Reason.CRASHED, "worker"), 0
    )


def changed_since(
    source: archive.Source, index: Index, candidates: Sequence[catalogue.Entry]
) -> Callable[[SeriesJob], bool]:
    """Return what asks whether a job's study changed since tonight's listing."""
    firsts = pa.array([chosen(entry.paths[0])[0] for entry in candidates], pa.string())
    marks: dict[str, int] = {}
    for part in index.read(("path", "mtime_ns")):
        mine = part.filter(pc.is_in(part["path"], value_set=firsts))
        marks.update(zip(mine["path"].to_pylist(), mine["mtime_ns"].to_pylist(), strict=True))

    def has_changed(job: SeriesJob) -> bool:
        path = chosen(job.paths[0])[0]
        return path in marks and source.has_changed(path, marks[path])

    return has_changed


def _still_arriving(job: SeriesJob) -> Worked:
    said = "the study changed since it was listed"
    rejection = Rejection(Room.SWEEP, job.series_key, Reason.STILL_ARRIVING, said)
    return Worked(job.series_key, rejection, 0)


def hand_out(
    client: Client,
    jobs: Sequence[SeriesJob],
    orders: Orders,
    in_flight: int,
    handing: Handing,
) -> Iterator[tuple[SeriesJob, Worked]]:
    """Yield every job with its outcome, in the order given.

    Parameters
    ----------
    in_flight : how many scans may be out at once
    handing : what else is done with the jobs
    """
    flight = _Flight(client, orders)
    waiting: dict[int, tuple[SeriesJob, Worked]] = {}
    sent = announced = given = 0
    while given < len(jobs):
        while sent < len(jobs) and len(flight) < in_flight:
            if sent == announced:
                handing.announce(jobs[announced : announced + _ANNOUNCED])
                announced = min(announced + _ANNOUNCED, len(jobs))
            job = jobs[sent]
            if handing.has_changed(job):
                waiting[sent] = (job, _still_arriving(job))
            else:
                flight.send(sent, job, handing.seen_before(job.series_key))
            sent += 1
        for place, job, worked in flight.landed() if flight else ():
            waiting[place] = (job, worked)
        while given in waiting:
            yield waiting.pop(given)
            given += 1
