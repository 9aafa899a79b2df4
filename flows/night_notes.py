"""What a sweep says on standard error beside its sums: what a site may not know.

Comes in: the night's clinical folder, the lake, what the sweep did. Goes out: one line a note.
Refuses: nothing.
"""

from pathlib import Path

from flows.sweep import Swept
from screening import clinical
from screening.lake import Lake
from screening.reasons import Reason

# What cannot be seen of anybody where a table is not in the folder: it reads as "none recorded".
_SEEN_IN = {
    "observation": "measurements for the risk",
    "condition": "known disease",
    "medication": "treatment",
    "procedure": "stents, operations and formal calcium scans",
    "report_text": "calcium scores in reports",
    "person_policy": "wishes about their data",
}
# Rows that a site need not mend: of nobody with a scan, of no use here, or there already.
_AS_EXPECTED = (Reason.NO_SCAN, Reason.CODE_NOT_USED, Reason.DUPLICATE_ROW)


def notes(folder: Path | None, lake: Lake, swept: Swept) -> list[str]:
    """Return the notes of one night.

    Parameters
    ----------
    folder : of clinical tables, None where none was given
    lake : after the sweep
    swept : what the sweep did
    """
    found = _of_clinical(folder, lake)
    if swept.n_gone_series:
        found.append(
            f"{swept.n_gone_series} series of {_people(swept.n_gone_people)} of the last sweep "
            "are no longer in the archive"
        )
    if swept.n_taken_back:
        found.append(
            f"{swept.n_taken_back} series were rejected or moved to another person since the last "
            "sweep; explain KEY tells of each"
        )
    if swept.n_arriving:
        what = "1 study is" if swept.n_arriving == 1 else f"{swept.n_arriving} studies are"
        found.append(
            f"{what} still being received and will be scored in a later sweep; settle_minutes of "
            "[archive] in --config says how long a study must rest"
        )
    if swept.n_kept:
        found.append(
            f"{swept.n_kept} series keep the score of another model or scoring version; "
            'rescore = "all" in --config scores them again'
        )
    if swept.n_shut:
        what = "1 folder or file" if swept.n_shut == 1 else f"{swept.n_shut} folders or files"
        found.append(
            f"{what} of the archive could not be opened: what was known there stays, what is new "
            "there is not seen; find ARCHIVE ! -readable names them"
        )
    if not swept.is_index_kept:
        found.append(
            "what the archive holds could not be written beside the lake (is its disk full?): the "
            "next sweep reads those headers again"
        )
    return found


def _of_clinical(folder: Path | None, lake: Lake) -> list[str]:
    if folder is None:
        used_again = lake.read("person").num_rows > 0
        note = "no --clinical tonight: the clinical tables of an earlier sweep were used again"
        return [note] if used_again else []
    found = []
    missing = clinical.not_there(folder)
    if missing:
        found.append(
            f"no {', '.join(missing)} table in {folder}: nobody's "
            f"{', '.join(_SEEN_IN[name] for name in missing)} can be seen there"
        )
    rejections = lake.read("clinical_rejections").to_pylist()
    n_unread = sum(r["n"] for r in rejections if r["reason"] not in _AS_EXPECTED)
    if n_unread:
        values = "1 clinical value was" if n_unread == 1 else f"{n_unread:,} clinical values were"
        found.append(f"{values} not taken; see out_clinical_rejections in screening.duckdb")
    return found


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"
