"""The command line: `screening …`.

Comes in: arguments and the environment. Goes out: text or JSON, and an exit code:
0 done, 1 no score (or, with --strict, rejections), 2 could not run, 130 interrupted.
Refuses: what a command cannot do, in one line on standard error.
"""

import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows import show, show_lists, show_score
from flows.cli_options import ARCHIVE as _ARCHIVE
from flows.cli_options import CONFIG as _CONFIG
from flows.cli_options import IDENTIFIED as _IDENTIFIED
from flows.cli_options import JSON as _JSON
from flows.cli_options import LAKE as _LAKE
from flows.cli_options import MODEL as _MODEL
from flows.cli_options import PROVIDERS as _PROVIDERS
from flows.cli_options import REASON as _REASON
from flows.cli_options import ROD as _ROD
from flows.cli_options import open_lake as _open_lake
from flows.cli_options import reason_of
from flows.explain_command import explain
from flows.export_commands import conventions, export
from flows.model_commands import models
from flows.risk_commands import risk
from screening.config import Providers, read_settings, secret_from
from screening.errors import ScreeningError

if TYPE_CHECKING:
    from screening.scoring import Rod


def _date(text: str | None) -> date:
    return date.fromisoformat(text) if text else datetime.now().astimezone().date()


def _check_date(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        _date(value)
    except ValueError as error:
        raise click.BadParameter("give a date as YYYY-MM-DD") from error
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="screening")
def cli() -> None:
    """Find the coronary calcium that nobody measured in routine chest CTs.

    Research software, not a medical device.

    \b
    Example:
      screening demo
      screening sweep --archive /data/ct --lake /data/lake --clinical /data/clinical
      screening flagged --lake /data/lake
    """


@cli.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="A new folder.",
)
@click.option("--patients", default=24, show_default=True, hidden=True)
@click.option("--seed", default=7, show_default=True, help="Which hospital.")
@_JSON
def demo(out: Path, patients: int, seed: int, as_json: bool) -> None:
    """Build a synthetic hospital, sweep it, print the flagged list.

    \b
    Example:
      screening demo --out demo
    """
    from flows.demo import run_demo

    run_demo(out, patients, seed, secret_from(os.environ), as_json=as_json)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--patients", required=True, type=click.IntRange(1), help="How many people.")
@click.option("--seed", required=True, type=click.IntRange(0), help="Which hospital.")
def phantom(folder: Path, patients: int, seed: int) -> None:
    """Write a synthetic hospital: archive/, clinical/, truth.parquet.

    \b
    Example:
      screening phantom hospital --patients 24 --seed 1
    """
    from screening.phantom import write_hospital

    if folder.exists() and any(folder.iterdir()):
        raise ScreeningError(f"{folder} is not empty; give a new folder")
    workers = len(os.sched_getaffinity(0))
    with show.progress() as bars:
        write_hospital(
            folder, patients, seed, lambda done, total: bars("phantoms", done, total), workers
        )
    show.say(f"{folder / 'archive'}\n{folder / 'clinical'}\n{folder / 'truth.parquet'}")


@cli.command()
@click.argument("folder")
@click.option("--mask", type=click.Path(path_type=Path), help="NIfTI labels to score instead.")
@click.option(
    "--convention", default="agatston_1990", help="One of those above.", show_default=True
)
@_ROD
@_MODEL
@_PROVIDERS
@_JSON
def score(
    folder: str,
    mask: Path | None,
    convention: str,
    rod: "Rod | None",
    model: str,
    providers: Providers,
    as_json: bool,
) -> None:
    """Score one series, without a lake.

    \b
    Conventions:
      agatston_1990         130 HU and more, from 1 mm² in a slice, corners touch
      agatston_4_connected  what touches at a corner only is two lesions
      agatston_3_pixels     from three pixels in a slice, whatever their size
      agatston_over_130     above 130 HU, not from 130 HU on
      agatston_3d           one lesion through its slices, by peak and area of the whole

    \b
    Example:
      screening score archive/series-1 --json
    """
    from flows.score_one import score_one

    answer = score_one(folder, mask, model, convention, rod, providers)
    if as_json:
        show.say(show.as_json(answer.facts))
    else:
        show_score.print_score(answer.facts)
    if answer.note:
        show.note(answer.note)
    if not answer.has_score:
        sys.exit(1)


@cli.command()
@_ARCHIVE
@_LAKE
@click.option(
    "--clinical",
    type=click.Path(path_type=Path),
    help="Folder of tables, FHIR or OMOP files.",
)
@click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    callback=_check_date,
    help="Date the flags are for.  [default: today]",
)
@_CONFIG
@click.option(
    "--strict", is_flag=True, help="Exit 1 when a series failed or was quarantined in this run."
)
@_JSON
def sweep(
    archive_url: str,
    lake_path: Path,
    clinical: Path | None,
    as_of: str | None,
    config: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Sweep an archive: score what is new, estimate, flag, publish.

    \b
    Example:
      screening sweep --archive /data/ct --lake /data/lake --clinical /data/clinical
      screening sweep --archive https://pacs/dicom-web --lake /data/lake --config screening.toml
    """
    from flows.crawl import check_archive
    from flows.people_stage import check_clinical, check_risk_model
    from flows.prefect_server import prepare_environment
    from screening.inference import open_model, require_providers

    settings = read_settings(config)
    check_archive(archive_url, lake_path, settings.archive)
    check_clinical(clinical, settings.clinical)
    check_risk_model(settings.risk)
    # A model or a GPU that cannot be used must not leave a lake behind.
    open_model(settings.model)
    require_providers(settings.providers)
    lake = _open_lake(lake_path, create=True, issuer=settings.default_issuer)
    prepare_environment(lake.path)
    from flows.night_notes import changed_settings, notes
    from flows.status import n_failed, status
    from flows.sweep import Night
    from flows.sweep import sweep as run

    for note in changed_settings(lake, settings):
        show.note(note)
    with show.progress() as bars:
        swept = run(Night(archive_url, lake, clinical, _date(as_of), settings, bars))
    facts = status(lake)
    for note in notes(clinical, lake, swept):
        show.note(note)
    if as_json:
        show.say(show.as_json(facts))
    else:
        show.print_status(facts)  # type: ignore[arg-type]
        show.say(f"lake: {lake.path}; the list: screening flagged --lake {lake_path}")
    if strict and n_failed(lake, swept.run_id):
        sys.exit(1)


@cli.command()
@_LAKE
@click.option("--unscored", is_flag=True, help="List the series without a score instead, and why.")
@click.option(
    "--unsure",
    is_flag=True,
    help="List the people of whom too little is known instead; may be --identified.",
)
@click.option("--files", is_flag=True, help="List the files that are no image instead, by path.")
@_IDENTIFIED
@_REASON
@_JSON
def status(
    lake_path: Path, identified: bool, reason: str | None, as_json: bool, **views: bool
) -> None:
    """Print the reconciliation: files, series, people, reasons, last run.

    \b
    Example:
      screening status --lake /data/lake --json
      screening status --lake /data/lake --unscored
    """
    from flows import status as of
    from flows.people import with_identity

    asked = [name for name, is_asked in views.items() if is_asked]
    if len(asked) > 1:
        raise ScreeningError(f"--{' and --'.join(asked)} are lists: give one of them")
    why = reason_of("--identified", reason, is_asked=identified)
    if identified and asked != ["unsure"]:
        raise ScreeningError("--identified goes with --unsure, the list of people")
    lake = _open_lake(lake_path)
    for name in asked:
        rows = of.VIEWS[name](lake)
        rows = rows if why is None else with_identity(lake, rows, why)
        show.say(show.as_json(rows)) if as_json else show.PRINTED[name](rows)
        return
    facts = of.status(lake)
    if as_json:
        show.say(show.as_json(facts))
    else:
        show.print_status(facts)  # type: ignore[arg-type]


@cli.command()
@_LAKE
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="[default: by the ending of --out, else table]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="A .csv, .json or .parquet file to write."
)
@_IDENTIFIED
@_REASON
@click.option(
    "--list",
    "name",
    type=click.Choice(show_lists.NAMES),
    default="flagged",
    help="Which list; the others hold people who need another look or another way.",
)
def flagged(
    lake_path: Path,
    form: str | None,
    out: Path | None,
    identified: bool,
    reason: str | None,
    name: str,
) -> None:
    """Print the people at high risk who were never formally scored.

    \b
    Example:
      screening flagged --lake /data/lake --out list.csv
      screening flagged --lake /data/lake --list formally-scored-higher
    """
    from flows.people import flagged_table, list_format
    from flows.status import last_as_of

    why = reason_of("--identified", reason, is_asked=identified)
    form = list_format(form, out)
    lake = _open_lake(lake_path)
    found = flagged_table(lake, why, name)
    if form == "table" and name == "flagged":
        show.print_flagged(found.to_pylist(), last_as_of(lake))
        return
    if form == "table":
        show_lists.print_list(name, found.to_pylist(), last_as_of(lake))
        return
    show.write_table(found, form, out)
    if out is not None:
        show.note(f"{show.people(found.num_rows)} written to {out}")
    if form in ("csv", "parquet"):
        show.note(show.NOTICE)


@cli.command()
@_LAKE
@click.option(
    "--reference",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV: series_key or issuer,mrn,study_date; agatston; LM,LAD,LCX,RCA where known.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for report.html and report.json.",
)
@_JSON
def validate(lake_path: Path, reference: Path, out: Path, as_json: bool) -> None:
    """Compare the lake's scores with a reference: agreement, detection, subgroups.

    \b
    Example:
      screening validate --lake /data/lake --reference readers.csv --out validation
    """
    from flows.validate import run_validate

    run_validate(_open_lake(lake_path), reference, out, as_json=as_json)


cli.add_command(explain)
cli.add_command(models)
cli.add_command(export)
cli.add_command(conventions)
cli.add_command(risk)


def _guarded(run: Callable[[], None]) -> int:
    try:
        run()
    except click.exceptions.Abort:
        show.note("screening: interrupted; run the same command again to go on")
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except ScreeningError as error:
        show.note(f"screening: {error}")
        return 2
    except OSError as error:
        # The text alone: a file name may say who someone is.
        show.note(f"screening: a file or folder could not be used: {error.strerror}")
        return 2
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt:
        show.note("screening: interrupted; run the same command again to go on")
        return 130
    return 0


def main() -> None:
    """Run the command line."""
    code = _guarded(lambda: cli(standalone_mode=False))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads of Prefect and Dask outlive the flow, and DuckDB's bindings then
    # report every object they still hold as leaked, pages of it, to the user's terminal.
    os._exit(code)
