"""The commands below `screening export`, and `screening conventions`.

Comes in: arguments. Goes out: text or JSON, and an exit code. Refuses: what the exports refuse.
"""

import sys
from pathlib import Path

import click

from flows import show
from flows.cli_options import ARCHIVE, CONFIG, JSON, LAKE, MODEL, open_lake
from screening.config import read_settings
from screening.errors import ScreeningError


@click.group()
def export() -> None:
    """Hand results to other systems.

    \b
    Example:
      screening export dicom --lake /data/lake --archive /data/ct --out reports
    """


@export.command("dicom")
@LAKE
@ARCHIVE
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder, closed to others."
)
@click.option("--series", "keys", multiple=True, metavar="KEY", help="This series; may repeat.")
@MODEL
@CONFIG
@click.option("--strict", is_flag=True, help="Exit 1 when a series was refused.")
@JSON
def export_dicom(
    lake_path: Path,
    archive_url: str,
    out: Path,
    keys: tuple[str, ...],
    model: str,
    config: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Write scored series as DICOM structured reports and segmentations.

    Each series is read and scored again and must give the same score. KEY.sr.dcm is a TID 1500
    report, KEY.seg.dcm the scored voxels (none for a score of zero). The files are identified
    data: they carry the patient's name and number, as the source images do.

    \b
    Example:
      screening export dicom --lake /data/lake --archive /data/ct --out reports
    """
    from flows.export_dicom import Request, print_export
    from flows.export_dicom import export_dicom as run

    with show.progress() as bars:
        request = Request(archive_url, out, model, keys, read_settings(config).archive)
        facts = run(open_lake(lake_path), request, bars)
    if as_json:
        show.say(show.as_json(facts))
    else:
        print_export(facts)
    if strict and facts["refused"]:
        sys.exit(1)


@click.command()
@LAKE
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="A .parquet or .csv file."
)
def conventions(lake_path: Path, out: Path) -> None:
    """Write every scored scan by every scoring convention, for research.

    Made from the voxels the lake keeps: no image is read, no model asked. People, keys, dates and
    rounding are those of the research file.

    \b
    Example:
      screening conventions --lake /data/lake --out conventions.parquet
    """
    from flows.conventions import convention_scores

    form = out.suffix.lower().removeprefix(".")
    if form not in ("parquet", "csv"):
        raise ScreeningError("the name says what is written; let it end in .parquet or .csv")
    found, n_missing = convention_scores(open_lake(lake_path))
    show.write_table(found, form, out)
    show.say(f"{found.num_rows} rows in {out}")
    if n_missing:
        show.note(
            f"left out: {n_missing} scored scan{'' if n_missing == 1 else 's'} of which no voxels "
            "are kept with the score that stands; scored again, they are"
        )
    show.note(show.NOTICE)
