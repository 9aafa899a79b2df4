"""Stage two: which series are to be worked, and what rules already say of the others.

Comes in: catalogued series, the choosing room's decisions, and every earlier disposition.
Goes out: rows that rules alone decide, and one queue of candidates a study.
Refuses: to work again what has a disposition for its content and versions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from screening import catalogue
from screening.dispositions import Disposition, Versions
from screening.reasons import Reason, State
from screening.records import Decision

ORIGINAL = "original: "  # how a duplicate's detail names the series it repeats
# Refusals of what has not all arrived yet may not hold for the whole.
_OF_SIZE = frozenset(
    {
        Reason.LOCALIZER,
        Reason.SECONDARY_CAPTURE,
        Reason.NOT_CHEST,
        Reason.GATED_CALCIUM_SCORE,
        Reason.TOO_FEW_SLICES,
        Reason.INCREMENT_OVER_5MM,
    }
)
_HELD = {
    Reason.UNREACHABLE: "not all of the study was delivered",
    Reason.STILL_ARRIVING: "more of the study may be on its way",
}
# What the table `series` says itself, for as long as it is so in the archive.
_SAID_BY_SERIES = (Reason.IDENTITY_CONFLICT, Reason.REJECTED_IN_ARCHIVE)
_FINAL = frozenset({State.SCORED, State.INELIGIBLE, State.FAILED, State.QUARANTINED})


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier disposition, as far as planning needs it."""

    versions: Versions
    state: State
    reasons: tuple[str, ...]
    image_digest: str = ""
    is_copy: bool = False  # of images that another series had

    @property
    def is_outcome(self) -> bool:
        """Whether this came of working the scan, and holds whatever becomes of others."""
        return bool(self.versions.scoring_version) and self.state in _FINAL


def _past(versions: Versions, state: State, reasons: Sequence[str], image_digest: str) -> Past:
    is_copy = Reason.DUPLICATE_IMAGES_OF in reasons
    return Past(versions, state, tuple(reasons), image_digest or "", is_copy)


@dataclass(frozen=True, slots=True)
class Study:
    """The eligible series of one study, best first."""

    study_key: str
    candidates: tuple[catalogue.Entry, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided, and what is to be worked."""

    decided: tuple[Disposition, ...]
    studies: tuple[Study, ...]

    @property
    def n_arriving(self) -> int:
        """Studies of which a series is held back tonight, as more of it may be on its way."""
        held = (d.series for d in self.decided if Reason.STILL_ARRIVING in d.reasons)
        return len({series.study_key for series in held})


class Ledger:
    """What is already known, by series and content; what tonight's work gives is added.

    owners : which series each set of images is counted for, by their digest
    """

    def __init__(
        self,
        dispositions: pa.Table,
        current: Versions,
        rescore: str,
        owners: Mapping[str, str] | None = None,
    ) -> None:
        self._current = current
        self._rescore = rescore
        self._past: dict[tuple[str, str], list[Past]] = {}
        self._decided_series: set[str] = set()
        self._first: dict[tuple[str, str], int] = {}  # in which order images were scored for whom
        names = ["series_key", "content_digest", "choose_version", "model_digest"]
        names += ["scoring_version", "state", "reasons", "image_digest", "committed_at"]
        rows = dispositions.select(names).to_pylist()
        for row in sorted(rows, key=lambda r: (r["committed_at"], r["series_key"])):
            versions = Versions(row["choose_version"], row["model_digest"], row["scoring_version"])
            reasons, key = tuple(row["reasons"]), row["series_key"]
            past = _past(versions, State(row["state"]), reasons, row["image_digest"])
            self._past.setdefault((key, row["content_digest"]), []).append(past)
            self._decided_series.add(key)
            if past.state is State.SCORED:
                self._first.setdefault((past.image_digest, key), len(self._first))
        self.set_owners(owners or {})

    def set_owners(self, owners: Mapping[str, str]) -> None:
        """Take which series each set of images is counted for tonight (`core_image_owner`)."""
        self.owners = dict(owners)
        self._images = {owner: digest for digest, owner in owners.items()}

    def original_of(self, series_key: str, image_digest: str) -> str:
        """Return the series for which these images are counted; "" where it is this one.

        They are this one's, too, where it was scored of them before that other.
        """
        owner = self.owners.get(image_digest, series_key)
        first, never = self._first, len(self._first)
        is_mine = first.get((image_digest, series_key), never) < first.get(
            (image_digest, owner), never
        )
        return "" if is_mine or owner == series_key else owner

    def note(self, row: Disposition) -> None:
        """Add what tonight's work gave: what a series has now counts, what it had is free."""
        if row.state is State.PENDING:
            return
        series, digest = row.series, row.image_digest
        key = series.series_key
        past = _past(row.versions, row.state, row.reasons, digest)
        self._past.setdefault((key, series.content_digest), []).append(past)
        had = self._images.pop(key, "")
        if self.owners.get(had) == key:
            del self.owners[had]
        if row.state is State.SCORED and digest:
            self.owners[digest], self._images[key] = key, digest

    def outcome(self, entry: catalogue.Entry) -> Past | None:
        """Return what working this content gave, if it need not be worked again.

        Whether images are counted for another series is told anew each time: that one may have
        gone, lost them, or come back.
        """
        series = entry.series
        mine = self._past.get((series.series_key, series.content_digest), [])
        for past in mine:
            has_images = past.is_copy or past.state is State.SCORED
            if has_images and self._is_anothers(past, series.series_key):
                return replace(past, state=State.INELIGIBLE, is_copy=True)
        worked = [p for p in mine if p.is_outcome]
        if self._rescore == "all":
            worked = [p for p in worked if p.versions == self._current]
        return worked[-1] if worked else None

    def _is_anothers(self, past: Past, series_key: str) -> bool:
        owns = self.owners.get(self._images.get(series_key, "")) == series_key
        return not owns and self.owners.get(past.image_digest, series_key) != series_key

    def keeps_another(self, entry: catalogue.Entry) -> bool:
        """Whether this content has scores, but none of this model and scoring version."""
        series = entry.series
        mine = (self._current.model_digest, self._current.scoring_version)
        scored = {
            (p.versions.model_digest, p.versions.scoring_version)
            for p in self._past.get((series.series_key, series.content_digest), [])
            if p.state is State.SCORED
        }
        return bool(scored) and mine not in scored

    def holds_rule(self, disposition: Disposition) -> bool:
        """Whether this very rules outcome is on record."""
        series = disposition.series
        past = self._past.get((series.series_key, series.content_digest), [])
        mine = (disposition.versions, disposition.state, disposition.reasons[0])
        return any((p.versions, p.state, *p.reasons[:1]) == mine for p in past)

    def is_frozen(self, series_key: str) -> bool:
        """Whether `rescore = never` keeps this series as it was first decided."""
        return self._rescore == "never" and series_key in self._decided_series


def _order(entries: Iterable[catalogue.Entry]) -> tuple[date, str]:
    # Ties between studies are broken by date, then path: the same in every run.
    return min((e.series.acquired_on or date.max, min(e.paths)) for e in entries)


def make_plan(
    entries: Sequence[catalogue.Entry],
    decisions: Sequence[Decision],
    ledger: Ledger,
    version: int,
    waiting: frozenset[str] = frozenset(),
    arriving: frozenset[str] = frozenset(),
) -> Plan:
    """Split the night's series into what rules decide and what is worked.

    `waiting` names studies of which the archive could not deliver everything tonight: none of their
    series is worked, as a better one, or slices of this one, may be what is missing. So it is of
    `arriving`, studies still being received; nor is a series of these refused for its size.
    """
    by_key: Mapping[str, catalogue.Entry] = {e.series.series_key: e for e in entries}
    decided: list[Disposition] = []
    queues: dict[tuple[str, str], list[tuple[int, catalogue.Entry]]] = {}
    for decision in decisions:
        entry = by_key[decision.series_key]
        held = _held(decision, waiting, arriving)
        if held is not None:
            if ledger.outcome(entry) is None:
                decided.append(_pending(entry, version, held))
            continue
        if decision.rank is not None:
            whose = (decision.study_key, entry.series.person_key)
            queues.setdefault(whose, []).append((decision.rank, entry))
            continue
        row = Disposition(
            entry.series, Versions(version), decision.state, decision.reasons, decision.detail
        )
        if decision.reasons[0] in _SAID_BY_SERIES:
            continue
        if not ledger.holds_rule(row) and not ledger.is_frozen(decision.series_key):
            decided.append(row)
    studies = [
        Study(key, tuple(e for _, e in sorted(queue, key=lambda q: q[0])))
        for (key, _), queue in queues.items()
    ]
    return Plan(tuple(decided), tuple(sorted(studies, key=lambda s: _order(s.candidates))))


def lasting(
    decisions: Sequence[Decision], ledger: Ledger, waiting: frozenset[str], arriving: frozenset[str]
) -> list[Decision]:
    """Return what rules say tonight, whatever they said before of the same content.

    Not of what may change as more of its study arrives, nor of what stays as it was first decided.
    """
    return [
        d
        for d in decisions
        if not ledger.is_frozen(d.series_key)
        and (d.rank is not None or _held(d, waiting, arriving) is None)
    ]


def _held(decision: Decision, waiting: frozenset[str], arriving: frozenset[str]) -> Reason | None:
    """Say why a series waits tonight; None where it does not."""
    is_eligible = decision.rank is not None
    if is_eligible and decision.study_key in waiting:
        return Reason.UNREACHABLE
    may_change = is_eligible or _OF_SIZE.issuperset(decision.reasons)
    return Reason.STILL_ARRIVING if may_change and decision.study_key in arriving else None


def _pending(entry: catalogue.Entry, version: int, reason: Reason) -> Disposition:
    return Disposition(entry.series, Versions(version), State.PENDING, (reason,), _HELD[reason])


def not_chosen(entry: catalogue.Entry, chosen: str, version: int) -> Disposition:
    """Return the row of a runner-up that need not be worked."""
    return Disposition(
        entry.series,
        Versions(version),
        State.INELIGIBLE,
        (Reason.NOT_CHOSEN,),
        f"chosen: {chosen}",
    )
