"""Stage three: the chosen series, scored on the cluster and committed in batches.

Comes in: the plan. Goes out: committed dispositions, encrypted pictures and what was seen.
Refuses: nothing; every series handed out comes back as a row.

A study's best series goes first; where it gives no score the next of the study is tried.
A scan whose worker died is tried again alone, so that no neighbour is blamed; what fails
then as well is quarantined.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyarrow as pa

from flows.cluster import Cluster
from flows.handout import Handing, Orders, hand_out
from flows.plan import ORIGINAL, Ledger, Plan, Study, not_chosen
from screening import catalogue
from screening.config import Settings
from screening.dispositions import Disposition, Stamp, Versions, to_table
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.pipeline import Worked
from screening.reasons import Reason, Room, State, state_of
from screening.records import Rejection, ScoredSeries, SeriesJob
from screening.tables import ATTEMPTS

# Sweeps that ended, driver and all, with this scan in flight or among the next to be handed out,
# before it is left alone.
MAX_DEAD_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """What the stage did."""

    n_worked: int
    n_scored: int
    bytes_read: int
    commit_seconds: float
    n_held: int = 0  # studies that changed after they were listed


@dataclass(slots=True)
class Committer:
    """Collects dispositions and commits them by number or by time."""

    lake: Lake
    settings: Settings
    run_id: str
    seconds: float = 0.0
    _rows: list[tuple[Disposition, int]] = field(default_factory=list)
    _last: float = field(default_factory=time.monotonic)
    _version: int = 0

    def add(self, disposition: Disposition, attempt: int = 0) -> None:
        """Take one row; commit when enough have gathered."""
        self._rows.append((disposition, attempt))
        scored = disposition.scored
        if scored is not None and scored.picture_png is not None:
            model = disposition.versions.model_digest
            self.lake.store_picture(scored.series_key, scored.picture_png, model)
        if scored is not None and scored.seen is not None:
            self.lake.store_seen(scored.series_key, scored.seen, disposition.versions.model_digest)
        waited = time.monotonic() - self._last
        if len(self._rows) >= self.settings.commit_rows or waited >= self.settings.commit_seconds:
            self.flush()

    def flush(self) -> None:
        """Commit what has gathered, in one transaction."""
        self._last = time.monotonic()
        if not self._rows:
            return
        self._version += 1
        now = datetime.now(UTC)
        rows = [to_table([row], Stamp(self.run_id, now, attempt)) for row, attempt in self._rows]
        app_id = f"{self.run_id}/dispositions"
        self.lake.append("dispositions", pa.concat_tables(rows), app_id, self._version)
        self._rows.clear()
        self.seconds += time.monotonic() - self._last


@dataclass(slots=True)
class Scoring:
    """Everything one sweep's scoring needs."""

    lake: Lake
    cluster: Cluster
    settings: Settings
    orders: Orders
    versions: Versions
    run_id: str
    address: str
    progress: Callable[[int, int], None]
    has_changed: Callable[[SeriesJob], bool]
    _announced: int = 0

    def run(self, plan: Plan, ledger: Ledger) -> Tally:
        """Work every study of the plan to its end."""
        committer = Committer(self.lake, self.settings, self.run_id)
        for row in plan.decided:
            committer.add(row)
        attempts = _open_attempts(self.lake, self.versions)
        tonight: dict[str, State] = {}
        held: set[str] = set()
        n_bytes = 0
        while turn := _next_turn(plan.studies, ledger, tonight):
            entries = {entry.series.series_key: entry for entry in turn}
            self.progress(len(tonight), len(tonight) + len(turn))
            for job, worked in self._work(turn, attempts):
                row = self._disposition(entries[job.series_key], worked, ledger)
                ledger.note(row)
                tonight[job.series_key] = row.state
                n_bytes += worked.bytes_read
                if Reason.STILL_ARRIVING in row.reasons:
                    held.add(row.series.study_key)
                committer.add(row, job.attempt)
                self.progress(len(tonight), max(len(tonight), len(turn)))
        for row in _runners_up(plan.studies, ledger, tonight, self.versions.choose_version):
            committer.add(row)
        committer.flush()
        n_scored = sum(state is State.SCORED for state in tonight.values())
        return Tally(len(tonight), n_scored, n_bytes, committer.seconds, len(held))

    def _work(
        self, turn: Sequence[catalogue.Entry], attempts: Counter[str]
    ) -> Iterator[tuple[SeriesJob, Worked]]:
        """Work the scans; those whose worker died once more, each alone."""
        jobs = [
            SeriesJob(
                key,
                self.address,
                entry.paths + entry.copies,
                attempts[key] + 1,
                self.settings.archive,
            )
            for entry in turn
            for key in (entry.series.series_key,)
        ]
        yield from ((job, _given_up(job)) for job in jobs if job.attempt > MAX_DEAD_SWEEPS)
        jobs = [job for job in jobs if job.attempt <= MAX_DEAD_SWEEPS]
        digests = {e.series.series_key: e.series.content_digest for e in turn}
        in_flight = self.cluster.n_workers + 1
        for left in reversed(range(self.settings.max_attempts)):
            suspects: list[SeriesJob] = []
            for job, worked in self._hand_out(jobs, in_flight, digests):
                if _worker_died(worked) and left:
                    suspects.append(replace(job, attempt=job.attempt + 1))
                else:
                    yield job, worked
            jobs, in_flight = suspects, 1

    def _hand_out(
        self, jobs: Sequence[SeriesJob], in_flight: int, digests: Mapping[str, str]
    ) -> Iterator[tuple[SeriesJob, Worked]]:
        if not jobs:
            return iter(())

        def announce(going: Sequence[SeriesJob]) -> None:
            self._announced += 1
            rows = [
                {
                    "series_key": job.series_key,
                    "content_digest": digests[job.series_key],
                    "model_digest": self.versions.model_digest,
                    "scoring_version": self.versions.scoring_version,
                    "attempt": job.attempt,
                    "run_id": self.run_id,
                    "started_at": datetime.now(UTC),
                }
                for job in going
            ]
            table = pa.Table.from_pylist(rows, schema=ATTEMPTS.schema)
            self.lake.append("attempts", table, f"{self.run_id}/attempts", self._announced)

        return hand_out(
            self.cluster.client,
            jobs,
            self.orders,
            in_flight,
            Handing(announce, self._seen_before, self.has_changed),
        )

    def _seen_before(self, series_key: str) -> bytes:
        """Return what inference saw of a series in an earlier night; what is damaged is none."""
        try:
            return self.lake.read_seen(series_key, self.versions.model_digest) or b""
        except ScreeningError:
            return b""

    def _disposition(self, entry: catalogue.Entry, worked: Worked, ledger: Ledger) -> Disposition:
        """Turn an outcome into its row; images counted for another series are a duplicate."""
        outcome, series = worked.outcome, entry.series
        original = ledger.original_of(series.series_key, worked.image_digest)
        if original:
            # Scoring version 0: should the original go, the score of this one is a new row.
            row = Disposition(
                series,
                replace(self.versions, scoring_version=0),
                State.INELIGIBLE,
                (Reason.DUPLICATE_IMAGES_OF,),
                f"{ORIGINAL}{original}",
                worked.image_digest,
            )
        elif isinstance(outcome, ScoredSeries):
            row = Disposition(
                series, self.versions, State.SCORED, (), "", worked.image_digest, outcome
            )
        else:
            state = state_of(outcome.reason)
            pending = replace(self.versions, scoring_version=0)
            versions = pending if state is State.PENDING else self.versions
            row = Disposition(
                series, versions, state, (outcome.reason,), outcome.detail, worked.image_digest
            )
        return row


def _worker_died(worked: Worked) -> bool:
    outcome = worked.outcome
    return isinstance(outcome, Rejection) and outcome.reason is Reason.CRASHED


def _given_up(job: SeriesJob) -> Worked:
    rejection = Rejection(
        Room.SWEEP,
        job.series_key,
        Reason.CRASHED,
        f"in flight or next in {MAX_DEAD_SWEEPS} dead sweeps",
    )
    return Worked(job.series_key, rejection, 0)


def _open_attempts(lake: Lake, versions: Versions) -> Counter[str]:
    """Count, by series, the attempts at its content that came to no result with these versions."""
    mine = (versions.model_digest, versions.scoring_version)

    def with_mine(table: str) -> list[tuple[str, str]]:
        names = ["series_key", "content_digest", "model_digest", "scoring_version"]
        rows = lake.read(table).select(names).to_pylist()
        return [
            (r["series_key"], r["content_digest"])
            for r in rows
            if (r["model_digest"], r["scoring_version"]) == mine
        ]

    closed = set(with_mine("dispositions"))
    return Counter(tried[0] for tried in with_mine("attempts") if tried not in closed)


def _state(entry: catalogue.Entry, ledger: Ledger, tonight: Mapping[str, State]) -> State | None:
    """Return what is known of one candidate; the scan of a copy is scored, and counted, already."""
    past = ledger.outcome(entry)
    if past is not None:
        return State.SCORED if past.is_copy else past.state
    waits = tonight.get(entry.series.series_key) is State.PENDING
    return State.PENDING if waits else None


def _next_turn(
    studies: Sequence[Study], ledger: Ledger, tonight: Mapping[str, State]
) -> list[catalogue.Entry]:
    """Return each study's next candidate to work, for the studies not yet settled."""
    turn = []
    for study in studies:
        for entry in study.candidates:
            state = _state(entry, ledger, tonight)
            if state is None and not ledger.is_frozen(entry.series.series_key):
                turn.append(entry)
            if state in (None, State.SCORED, State.PENDING):
                break
    return turn


def _runners_up(
    studies: Sequence[Study], ledger: Ledger, tonight: Mapping[str, State], version: int
) -> Iterator[Disposition]:
    """Yield the rows of candidates that need no work because a better one was scored."""
    for study in studies:
        chosen = ""
        for entry in study.candidates:
            state = _state(entry, ledger, tonight)
            if chosen and state is None:
                row = not_chosen(entry, chosen, version)
                if not ledger.holds_rule(row):
                    yield row
            elif state is State.SCORED and not chosen:
                chosen = entry.series.series_key
