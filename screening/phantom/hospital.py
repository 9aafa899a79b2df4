"""The synthetic hospital: an archive, a clinical record, and the truth about both.

Comes in: a folder, how many patients, a seed.
Goes out: `archive/` (DICOM and clutter), `clinical/` (seven CSV tables), `truth.parquet`,
`simulated_outcomes.csv` and `simulated_reference.csv`.
Refuses: a folder that already holds a hospital, fewer than one patient.

The same seed and number give the same files, byte for byte, whatever the number of workers.
How PatientID and IssuerOfPatientID relate to the record, and the reference date of all flags
(`AS_OF`), are told in `screening.phantom.people`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from threadpoolctl import threadpool_limits

from screening.errors import ScreeningError
from screening.phantom.clinical import write_clinical
from screening.phantom.clutter import write_clutter
from screening.phantom.expectation import TruthRow, write_truth
from screening.phantom.outcomes import write_outcomes
from screening.phantom.people import Person, plan_people
from screening.phantom.studies import write_person

_PARTS = ("archive", "clinical", "truth.parquet")


def _make_room(out: Path) -> None:
    """Make the folder; refuses to mix two hospitals."""
    if any((out / part).exists() for part in _PARTS):
        raise ScreeningError(
            "the folder already holds archive/, clinical/ or truth.parquet; give an empty one"
        )
    (out / "archive").mkdir(parents=True)


def _write_person(archive: Path, person: Person, seed: int) -> list[TruthRow]:
    # One thread each: the processes already fill the cores, and the order in which more
    # threads would add up could change a pixel.
    with threadpool_limits(1):
        return write_person(archive, person, seed)


def _written(
    archive: Path, people: Sequence[Person], seed: int, workers: int
) -> Iterator[list[TruthRow]]:
    """Write the people one by one or in processes; yields as each is done."""
    write = partial(_write_person, archive, seed=seed)
    if workers <= 1:
        yield from map(write, people)
        return
    # Spawned, not forked: the caller may hold threads (Dask, a progress bar).
    with ProcessPoolExecutor(min(workers, len(people)), mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(write, person) for person in people]):
            yield done.result()


def write_hospital(
    out: Path,
    patients: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> None:
    """Write a synthetic hospital.

    Parameters
    ----------
    out : folder; is made if it is not there
    patients : patient numbers with scans, 1 or more; all special cases are there from 24 on
    seed : which hospital
    progress : is called with (people written, people in all) as the work goes on
    workers : processes; 1 works in this one

    Raises
    ------
    ScreeningError : `out` already holds a hospital, or `patients` is below 1
    """
    people = plan_people(patients, seed)
    _make_room(out)
    write_clinical(out / "clinical", people, seed)
    rows = write_clutter(out / "archive")
    for done, new in enumerate(_written(out / "archive", people, seed, workers), start=1):
        rows += new
        if progress is not None:
            progress(done, patients)
    write_truth(out / "truth.parquet", rows)
    write_outcomes(out, people, rows, seed)
