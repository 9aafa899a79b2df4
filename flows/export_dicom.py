"""`screening export dicom`: scored series as DICOM reports and segmentations.

Comes in: a lake, the archive it was made from, a model. Goes out: for each series that is scored
as things stand, KEY.sr.dcm and, above zero, KEY.seg.dcm.
Refuses: a series whose result the archive's files, this model and this program do not give again;
a folder that others may read. One series refused does not stop the others.

The lake keeps no voxels, so each series is read, labelled and scored again.
"""

import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from flows import show
from flows.status import last_as_of, require_a_finished_sweep
from screening import archive, catalogue, inference, publish, scoring
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError
from screening.lake import Lake
from screening.pipeline import Measured, measure_again
from screening.reasons import REASONS, State
from screening.records import Rejection, ScoringParameters

Row = dict[str, object]
_VERSIONS = ("series_key", "choose_version", "model_digest", "scoring_version")
_COLUMNS = [*_VERSIONS, "content_digest", "image_digest", "agatston", "committed_at"]
_PRIVATE_FOLDER = 0o700
# The same model on another processor may differ in the last bits of a sum.
SAME_SCORE = 1e-9
WHAT_IT_IS = "identified data: patient and study are those of the source images; keep it apart"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; without keys every scored series."""

    archive: str
    out: Path
    model: str
    keys: tuple[str, ...] = ()
    limits: ArchiveSettings = field(default_factory=ArchiveSettings)


@dataclass(frozen=True, slots=True)
class _Job:
    """One scored series: what the lake holds of it, and its files."""

    row: Row
    paths: tuple[str, ...] = field(repr=False)

    @property
    def key(self) -> str:
        return str(self.row["series_key"])


class _RefusedError(Exception):
    """Why one series is not exported."""


def export_dicom(lake: Lake, request: Request, progress: show.ShowProgress) -> Row:
    """Write the files; return what was written and what was refused, by series key.

    Raises
    ------
    ScreeningError
        The archive, model or folder cannot be used, or a key is not in the lake.
    """
    require_a_finished_sweep(lake)
    address = archive.resolve(request.archive)
    model = inference.open_model(request.model)
    states = _asked_for(lake, request.keys)
    _prepare_folder(request.out, address)
    scored = [r for r in states if r["state"] == State.SCORED and not r["redo_reason"]]
    refused = [_refusal(str(r["series_key"]), _why_not(r)) for r in states if r not in scored]
    written: list[Row] = []
    jobs = _jobs(lake, scored)
    source = archive.open_source(address, request.limits)
    for n, job in enumerate(jobs):
        progress("exporting", n, len(jobs))
        try:
            written.append(_export(job, source, model, request.out))
        except (_RefusedError, InfrastructureError) as error:
            refused.append(_refusal(job.key, str(error)))
    progress("exporting", len(jobs), len(jobs))
    return {
        "written": written,
        "refused": refused,
        "out": str(request.out),
        "notice": f"{show.NOTICE} The files are {WHAT_IT_IS}.",
    }


def print_export(facts: Row) -> None:
    """Print what was written and, a line each, what was refused."""
    written, refused = _rows(facts["written"]), _rows(facts["refused"])
    n_segmentations = sum(row["segmentation"] is not None for row in written)
    show.say(f"{len(written)} reports and {n_segmentations} segmentations in {facts['out']}")
    for row in refused:
        show.say(f"refused {row['series_key']}: {row['reason']}")
    if refused:
        whole = len(written) + len(refused)
        show.say(f"refused: {len(refused)} of {whole} series; with --strict the exit code is 1")
    show.say(str(facts["notice"]))


def _rows(value: object) -> list[Row]:
    return list(value) if isinstance(value, list) else []


def _refusal(key: str, reason: str) -> Row:
    return {"series_key": key, "reason": reason}


def _asked_for(lake: Lake, keys: Sequence[str]) -> list[Row]:
    """Return the present state of the series asked for; of all scored ones without keys."""
    rows: list[Row] = lake.query("core_disposition", last_as_of(lake)).to_pylist()
    rows.sort(key=lambda r: str(r["series_key"]))
    if not keys:
        return [r for r in rows if r["state"] == State.SCORED]
    unknown = [key for key in keys if key not in {r["series_key"] for r in rows}]
    if unknown:
        raise ScreeningError(f"no series {unknown[0]} in this lake; see explain")
    return [r for r in rows if r["series_key"] in keys]


def _why_not(row: Row) -> str:
    sentences = {reason.value: text.sentence for reason, text in REASONS.items()}
    reason = str(row["reason"])
    if row["redo_reason"]:
        return "more of the series came since its score: it will be scored again"
    return f"not scored ({row['state']}): {sentences.get(reason, reason)}"


def _prepare_folder(out: Path, address: str) -> None:
    """Make the folder, for its owner alone; refuse one that is open to others."""
    root, target = Path(address), out.resolve()
    if "://" not in address and (target == root or root in target.parents):
        raise ScreeningError("the folder lies in the archive, which is only read; give another")
    try:
        out.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        mode = stat.S_IMODE(out.stat().st_mode)
    except OSError as error:
        raise ScreeningError(f"cannot make {out}: {error.strerror}") from error
    if mode & 0o077:
        raise ScreeningError(
            f"{out} is open to others, and the files name patients; give a new folder, or chmod 700"
        )


def _jobs(lake: Lake, scored: Sequence[Row]) -> list[_Job]:
    """Join each scored series to the row that was committed for it and to its files."""
    wanted = pa.array([str(r["series_key"]) for r in scored], pa.string())
    content = {
        r["series_key"]: r["content_digest"] for r in _of(lake.read("series"), wanted).to_pylist()
    }
    committed = {
        (r["content_digest"], *(r[n] for n in _VERSIONS)): r
        for r in _of(lake.read("dispositions").select(_COLUMNS), wanted).to_pylist()
    }
    uids = pa.array([catalogue.key_of_uid(key) for key in wanted.to_pylist()], pa.string())
    entries = catalogue.group(_of(lake.read_index().instances, uids)).entries
    paths = {e.series.series_key: e.paths for e in entries}
    return [
        _Job(
            committed[content[r["series_key"]], *(r[n] for n in _VERSIONS)],
            paths.get(str(r["series_key"]), ()),
        )
        for r in scored
    ]


def _of(table: pa.Table, keys: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["series_key"], value_set=keys))


def _export(job: _Job, source: archive.Source, model: inference.Model, out: Path) -> Row:
    """Work one series again and write its files."""
    _check_versions(job.row, model)
    if not job.paths:
        raise _RefusedError("its files are not in the index of the last sweep; sweep again")
    files = source.read_bytes(job.paths)
    measured = measure_again(job.key, files, model, ScoringParameters())
    if isinstance(measured, Rejection):
        raise _RefusedError(f"gives no score any more: {REASONS[measured.reason].sentence}")
    _check_result(job.row, measured)
    committed_at = job.row["committed_at"]
    if not isinstance(committed_at, datetime):
        raise _RefusedError("the lake does not say when it was scored; sweep again")
    try:
        report = publish.make_dicom_report(
            files,
            measured.volume,
            measured.labelled,
            measured.score,
            software_version=_software_version(),
            created_at=committed_at.astimezone().replace(tzinfo=None),
        )
    except ScreeningError as error:
        raise _RefusedError(str(error).removeprefix(f"series {job.key}: ")) from error
    return _write(job.key, report, measured.score.agatston, out)


def _software_version() -> str:
    try:
        return version("screening")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "not installed"


def _check_versions(row: Row, model: inference.Model) -> None:
    if row["model_digest"] != model.identity.digest:
        raise _RefusedError("scored by another model; give that one with --model, or sweep again")
    if row["scoring_version"] != scoring.SCORING_VERSION:
        raise _RefusedError(
            f"scored by scoring version {row['scoring_version']}, this program has "
            f"{scoring.SCORING_VERSION}; sweep again"
        )


def _check_result(row: Row, measured: Measured) -> None:
    if row["image_digest"] != measured.volume.image_digest:
        raise _RefusedError("the images are no longer those that were scored; sweep again")
    then, now = row["agatston"], measured.score.agatston
    if not isinstance(then, float) or not math.isclose(then, now, rel_tol=SAME_SCORE):
        raise _RefusedError(f"the Agatston score was {then}, is now {now}; sweep again")


def _write(key: str, report: publish.DicomReport, agatston: float, out: Path) -> Row:
    """Write the files under the series' key; what an earlier export left of it goes.

    The segmentation is written first and each file is renamed into place, so that a report never
    refers to one that is not there, and no file is half written.
    """
    written: dict[str, str | None] = {}
    bodies = {"seg": report.segmentation, "sr": report.structured_report}
    for kind, body in bodies.items():
        path = out / f"{key}.{kind}.dcm"
        if body is None:
            path.unlink(missing_ok=True)
        else:
            partial = path.with_suffix(".part")
            partial.unlink(missing_ok=True)
            show.write_private(partial, body)
            partial.replace(path)
        written[kind] = None if body is None else os.fspath(path)
    return {
        "series_key": key,
        "agatston": agatston,
        "report": written["sr"],
        "segmentation": written["seg"],
    }
