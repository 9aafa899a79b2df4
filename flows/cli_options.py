"""Options that several commands of the command line share.

Comes in: what a user types. Goes out: click options, the lake that `--lake` names, why identity is
asked for.
Refuses: what `Lake.open` refuses, a rod that is not four numbers, identity without a reason.
"""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows import show
from screening.config import secret_from
from screening.errors import ScreeningError

if TYPE_CHECKING:
    from screening.lake import Lake
    from screening.scoring import Rod

LAKE = click.option(
    "--lake", "lake_path", required=True, type=click.Path(path_type=Path), help="The lake's folder."
)
ARCHIVE = click.option(
    "--archive",
    "archive_url",
    required=True,
    metavar="ADDRESS",
    help="Where the scans lie: a folder, s3://…, https://…/dicom-web or dicom://AET@host:port.",
)
CONFIG = click.option("--config", type=click.Path(path_type=Path), help="screening.toml")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ROD = click.option(
    "--rod",
    metavar="X,Y,RADIUS,DENSITY",
    callback=lambda _, __, value: _rod(value),
    help="Calibration rod along the table: a point of its axis and its radius in mm (LPS), its "
    "density in mg/cm³.",
)
IDENTIFIED = click.option(
    "--identified", is_flag=True, help="Add issuer and patient number; is audited."
)
REASON = click.option(
    "--reason", help="Why identity is needed; goes into the audit trail.", metavar="TEXT"
)
MODEL = click.option("--model", default="default", show_default=True, help="Name or folder.")
PROVIDERS = click.option(
    "--providers",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="Where the model runs; cuda must load.",
)


def _rod(text: str | None) -> "Rod | None":
    if text is None:
        return None
    from screening.scoring import Rod

    try:
        x, y, radius, density = (float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter("give four numbers, such as 12.5,-80,7,200") from error
    if not (math.isfinite(x) and math.isfinite(y) and 0 < radius < 100 and 0 < density < 5000):
        raise click.BadParameter("radius (mm) and density (mg/cm³) must be above 0 and plausible")
    return Rod(x, y, radius, density)


def reason_of(option: str, reason: str | None, *, is_asked: bool) -> str | None:
    """Return why identity is asked for by an option; None where it is not.

    Raises
    ------
    ScreeningError
        One without the other.
    """
    if reason and not is_asked:
        raise ScreeningError(f"--reason goes with {option}; nothing identified was asked for")
    if is_asked and not (reason and reason.strip()):
        raise ScreeningError(f'{option} needs --reason "why", which is kept in the audit trail')
    return reason if is_asked else None


def open_lake(path: Path, *, create: bool = False, issuer: str = "") -> "Lake":
    """Open the lake; say where its secret was put when it is a new one."""
    from screening.lake import Lake

    is_new = not (path / "lake.json").exists()
    lake = Lake.open(path, secret_from(os.environ), create=create, default_issuer=issuer)
    if is_new and lake.secret_file is not None:
        show.note(
            f"a secret was made for this lake: {lake.secret_file} – keep it apart from the lake, "
            "or give it in SCREENING_SECRET"
        )
    return lake
