"""Options that several commands of the command line share.

Comes in: what a user types. Goes out: click options, and the lake that `--lake` names.
Refuses: what `Lake.open` refuses.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows import show
from screening.config import secret_from

if TYPE_CHECKING:
    from screening.lake import Lake

LAKE = click.option(
    "--lake", "lake_path", required=True, type=click.Path(path_type=Path), help="The lake's folder."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
MODEL = click.option("--model", default="default", show_default=True, help="Name or folder.")
PROVIDERS = click.option(
    "--providers",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="Where the model runs; cuda must load.",
)


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
