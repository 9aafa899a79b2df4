"""`screening flagged`: the list the care team works; and who someone is, both ways.

Comes in: a lake; a patient number. Goes out: the list as an Arrow table, with identity only when a
reason is given (the vault writes it into its audit trail); for a reason, the key of a number.
Refuses: a file whose name does not say what is to be written; a number that nobody has, or more
than one person, and it never repeats the number.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from flows.status import last_as_of, require_a_finished_sweep
from screening.errors import ScreeningError
from screening.lake import Lake

FORMATS = ("table", "csv", "json", "parquet")
# The list the care team works, and those of people who need another look.
LISTS = {
    "flagged": "out_flagged",
    "formally-scored-higher": "out_formally_scored_higher",
    "scored-by-text-alone": "out_scored_by_text_alone",
    "known-by-image-only": "out_known_by_image_only",
    "treated-not-at-goal": "out_treated_not_at_goal",
    "dialysis": "out_dialysis",
    "transplant": "out_transplant",
    "inpatients": "out_inpatients",
    "spoiling-devices": "out_spoiling_devices",
    "left": "out_left_list",
}
_IDENTITY = ("issuer", "patient_id")
Row = Mapping[str, object]
NO_SUCH_PATIENT = "no person with this patient number in this lake"


def list_format(asked: str | None, out: Path | None) -> str:
    """Return the format of the list: what was asked for, else by the file's ending.

    Raises
    ------
    ScreeningError
        The ending tells no format, a table cannot go to a file, or parquet has none to go to.
    """
    if out is None:
        if asked == "parquet":
            raise ScreeningError("parquet is not text; add --out FILE")
        return asked or "table"
    if asked == "table":
        raise ScreeningError("a table is printed only; leave --out, or give --format csv")
    form = asked or out.suffix.lower().removeprefix(".")
    if form not in FORMATS[1:]:
        raise ScreeningError(
            f"cannot tell from {out.name} what to write; let it end in .csv, .json or .parquet"
        )
    return form


def flagged_table(lake: Lake, identified_because: str | None, name: str = "flagged") -> pa.Table:
    """Return one row a person of a list (`LISTS`), the most urgent first."""
    require_a_finished_sweep(lake)
    found = lake.query(LISTS[name], last_as_of(lake))
    if identified_because is None:
        return found
    keys = found["person_key"].to_pylist()
    known = _identified(lake, keys, identified_because)
    for column in reversed(_IDENTITY):
        values = [known[key][column] for key in keys]
        found = found.add_column(0, column, pa.array(values, pa.string()))
    return found


def with_identity(lake: Lake, rows: Sequence[Row], reason: str) -> list[dict[str, object]]:
    """Return rows of people with issuer and number first."""
    known = _identified(lake, [str(row["person_key"]) for row in rows], reason)
    return [{n: known[str(row["person_key"])][n] for n in _IDENTITY} | dict(row) for row in rows]


def key_of_patient(lake: Lake, number: str, issuer: str | None, reason: str) -> str:
    """Return the person's key behind a number as the archive has it.

    Raises
    ------
    ScreeningError
        Nobody has the number, or people of several issuers do.
    """
    found = lake.vault.look_up(number, issuer, reason)
    if not found:
        of = "" if issuer is None else ", of this issuer"
        raise ScreeningError(f"{NO_SUCH_PATIENT}{of}")
    if len(found) > 1:
        raise ScreeningError(
            f"{len(found)} people have this patient number, each of another issuer; add --issuer "
            'ISSUER, as the scans name it (--issuer "" where they name none)'
        )
    return found[0]


def _identified(lake: Lake, keys: Sequence[str], reason: str) -> dict[str, Row]:
    people = lake.vault.identify(keys, reason)
    known = {row["person_key"]: row for row in people.to_pylist()}
    if len(known) < len(keys):
        raise ScreeningError(
            f"the vault names only {len(known)} of {len(keys)} people; is it another lake's?"
        )
    return known
