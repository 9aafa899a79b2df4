"""Handing scans out: what changed since it was listed is not sent."""

from dataclasses import dataclass, field

import pytest

from flows import handout
from flows.handout import Handing, Orders, hand_out
from screening.pipeline import Worked
from screening.reasons import Reason, Room
from screening.records import Rejection, ScoringParameters, SeriesJob

JOBS = [SeriesJob(key, "", (f"{key}/1",)) for key in "abcd"]


@dataclass
class Flight:
    """Scans that come back at once."""

    out: list[tuple[int, SeriesJob]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.out)

    def send(self, place: int, job: SeriesJob, stored: bytes) -> None:
        self.out.append((place, job))

    def landed(self) -> list[tuple[int, SeriesJob, Worked]]:
        back, self.out = self.out, []
        done = Rejection(Room.VOLUME, "", Reason.DECODE_FAILED)
        return [(place, job, Worked(job.series_key, done, 1)) for place, job in back]


@pytest.mark.parametrize("changed", ["", "a", "bc", "abcd"])
def test_what_changed_waits_and_the_others_are_worked(
    changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handout, "_Flight", lambda *_: Flight())
    handing = Handing(lambda _: None, lambda _: b"", lambda job: job.series_key in changed)
    orders = Orders("m", ScoringParameters(), 1.0, 1, "cpu")
    done = list(hand_out(None, JOBS, orders, 2, handing))  # type: ignore[arg-type]
    assert [job for job, _ in done] == JOBS
    held = [
        job.series_key
        for job, worked in done
        if isinstance(worked.outcome, Rejection) and worked.outcome.reason is Reason.STILL_ARRIVING
    ]
    assert "".join(held) == changed
