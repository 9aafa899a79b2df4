"""Which stack of a folder `screening score` reads, where one UID holds several.

Comes in: the headers of one series. Goes out: the files of the stack that a sweep would score, and
what each stack is.
Refuses: several stacks of which a sweep would score none.

Told apart as in a sweep (`screening/catalogue/split.py`), and chosen by its rules. A folder with
one stack is scored whatever the rules say: whoever names it wants it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from screening import catalogue, choose
from screening.errors import ScreeningError
from screening.lake import Vault
from screening.records import Series
from screening.tables import INSTANCES

_KEYS = ("study_key", "series_key")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Files of the stack to score; facts of every stack, none where there is but one."""

    paths: tuple[str, ...]
    stacks: tuple[dict[str, object], ...] = ()


def choose_stack(instances: pa.Table) -> Chosen:
    """Choose the stack to score.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES_RAW`
        Images of one SeriesInstanceUID.

    Raises
    ------
    ScreeningError
        There are several stacks, and none that a sweep would score; or several patients.
    """
    entries = catalogue.group(_keyed(instances)).entries
    if any(entry.series.has_several_owners for entry in entries):
        raise ScreeningError(
            "the images of one SeriesInstanceUID name several patients; nobody is guessed: copy "
            "the files of one into a folder of its own"
        )
    if len(entries) == 1:
        return Chosen(entries[0].paths + entries[0].copies)
    decisions = choose.choose([entry.series for entry in entries])
    ranks = {d.series_key: d.rank for d in decisions if d.rank is not None}
    if not ranks:
        named = "; ".join(describe(_facts(e.series, is_taken=False)) for e in entries)
        raise ScreeningError(
            f"one SeriesInstanceUID holds {len(entries)} stacks, and a sweep would score none "
            f"({named}); copy the files of one into a folder of its own"
        )
    best = min(ranks, key=lambda key: (ranks[key], key))
    (entry,) = (e for e in entries if e.series.series_key == best)
    stacks = tuple(_facts(e.series, is_taken=e is entry) for e in entries)
    return Chosen(entry.paths + entry.copies, stacks)


def told(stacks: Sequence[dict[str, object]]) -> str:
    """Say in one line which stack was taken and which were not; nothing of a single one."""
    if not stacks:
        return ""
    taken = "; ".join(describe(s) for s in stacks if s["is_taken"])
    others = "; ".join(describe(s) for s in stacks if not s["is_taken"])
    return (
        f"one SeriesInstanceUID holds {len(stacks)} stacks; taken: {taken}; left: {others} "
        "(to score another, copy its files into a folder of their own)"
    )


def describe(stack: dict[str, object]) -> str:
    """Say what a stack is, in a few words."""
    increment = stack["increment_mm"]
    apart = f", {increment:g} mm apart" if isinstance(increment, float) else ""
    kernel = f", kernel {stack['kernel']}" if stack["kernel"] else ""
    n = stack["n_slices"]
    slices = f"{n} slice{'s' if n != 1 else ''}"
    return (
        f"{slices} of {stack['rows']} x {stack['columns']}, {stack['orientation']}{apart}{kernel}"
    )


def _facts(series: Series, *, is_taken: bool) -> dict[str, object]:
    names = ("n_slices", "increment_mm", "rows", "columns", "orientation", "kernel")
    return {"is_taken": is_taken, **{name: getattr(series, name) for name in names}}


def _keyed(instances: pa.Table) -> pa.Table:
    """Give headers keys of their own: without a lake there is no vault, and nothing is kept."""
    n = instances.num_rows
    given = {
        **{name: pa.array(["series"] * n, pa.string()) for name in _KEYS},
        "person_key": pa.array(_people(instances), pa.string()),
        "instance_digest": instances["sop_instance_uid"],
        "frame_digest": instances["frame_of_reference_uid"],
        "name_digest": pa.array(Vault.compared_names(instances), pa.string()),
        "birth_key": pa.array([""] * n, pa.string()),
        "age_said": instances["age_years"],
    }
    columns = {name: given.get(name) for name in INSTANCES.schema.names}
    table = {k: instances[k] if v is None else v for k, v in columns.items()}
    return INSTANCES.check(pa.table(table))


def _people(instances: pa.Table) -> list[str]:
    """Return what tells the patients apart, as in the vault; in memory only."""
    numbers = map(Vault.normalise_mrn, instances["patient_id"].to_pylist())
    issuers = (issuer or "" for issuer in instances["issuer"].to_pylist())
    return [f"{issuer.strip().upper()} {mrn}" for issuer, mrn in zip(issuers, numbers, strict=True)]
