"""`screening demo`: a synthetic hospital, built, swept, and held against its truth.

Comes in: a folder, a number of people, a seed. Goes out: the hospital, its lake, the flagged
list, the reconciliation and every difference from the truth, with its cause.
Refuses: a folder that already holds something else.
"""

import os
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from flows import show
from flows.people import flagged_table
from flows.prefect_server import prefect_server
from flows.status import status, sums_hold
from screening.config import Settings
from screening.errors import ScreeningError
from screening.lake import Lake


@dataclass(frozen=True, slots=True)
class DemoFolders:
    """Where everything of a demo lies."""

    archive: Path
    clinical: Path
    truth: Path
    outcomes: Path
    reference: Path
    lake: Path


def _folders(out: Path) -> DemoFolders:
    if out.exists() and any(out.iterdir()):
        raise ScreeningError(f"{out} is not empty; remove it or give --out another folder")
    hospital = out / "hospital"
    return DemoFolders(
        hospital / "archive",
        hospital / "clinical",
        hospital / "truth.parquet",
        hospital / "simulated_outcomes.csv",
        hospital / "simulated_reference.csv",
        out / "lake",
    )


def run_demo(out: Path, patients: int, seed: int, secret: bytes | None, *, as_json: bool) -> None:
    """Build, sweep, compare, print."""
    folders = _folders(out)
    begun = time.monotonic()
    lake = Lake.open(folders.lake, secret, create=True)
    with prefect_server(lake.path) as server, show.progress() as bars:
        from flows.sweep import Night, sweep
        from screening.phantom import AS_OF, write_hospital

        write_hospital(
            out / "hospital",
            patients,
            seed,
            lambda done, total: bars("phantoms", done, total),
            len(os.sched_getaffinity(0)),
        )
        night = Night(str(folders.archive), lake, folders.clinical, AS_OF, Settings(), bars)
        sweep(night, server)
    _report(lake, folders, AS_OF, time.monotonic() - begun, as_json=as_json)


def _report(
    lake: Lake, folders: DemoFolders, as_of: date, seconds: float, *, as_json: bool
) -> None:
    from flows.truth import differences

    found = differences(lake, pq.read_table(folders.truth), as_of)
    facts = status(lake)
    people = flagged_table(lake, None).to_pylist()
    if as_json:
        answer = {
            "flagged": people,
            "status": facts,
            "sums_hold": sums_hold(facts),  # type: ignore[arg-type]
            "differences": [asdict(d) for d in found],
            "seconds": seconds,
            "folders": {k: str(v) for k, v in asdict(folders).items()},
        }
        show.say(show.as_json(answer))
        return
    show.print_flagged(people, as_of)
    show.say()
    show.print_status(facts)  # type: ignore[arg-type]
    show.say()
    show.say(f"differences from the truth: {len(found)}")
    for item in found:
        show.say(
            f"  {item.kind} {item.key} ({item.role}): expected {item.expected}, found {item.found}"
        )
        show.say(f"    cause: {item.cause}")
    show.say()
    for name, folder in asdict(folders).items():
        show.say(f"{name:9} {folder}")
    show.say(
        f"{'tables':9} {folders.lake / 'screening.duckdb'}, {folders.lake / 'research.duckdb'}"
    )
    show.say(f"{seconds:.0f} s in all. Next: screening explain --lake {folders.lake} PERSON")
