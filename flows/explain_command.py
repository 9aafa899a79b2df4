"""`screening explain`: by a key, or by the number of a patient.

Comes in: arguments. Goes out: text or JSON. Refuses: what `flows.explain` refuses; a number without
a reason, which the vault keeps.
"""

from pathlib import Path

import click

from flows import show
from flows.cli_options import JSON, LAKE, REASON, open_lake, reason_of
from screening.errors import ScreeningError


@click.command()
@LAKE
@click.argument("keys", nargs=-1, metavar="[KEY]")
@click.option(
    "--patient",
    metavar="NUMBER",
    help="The person with this patient number instead; is audited. - asks for it, so that it "
    "stays in no shell's history.",
)
@click.option("--issuer", help="Who gave the number, where several people have it.")
@REASON
@click.option("--out", type=click.Path(path_type=Path), help="A .html page, or a .png picture.")
@JSON
def explain(
    lake_path: Path,
    keys: tuple[str, ...],
    patient: str | None,
    issuer: str | None,
    reason: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Print every decision about one series or person, and write its page or picture.

    \b
    Example:
      screening explain --lake /data/lake p_3fk2… --out page.html
      screening explain --lake /data/lake --patient 4711 --reason "asked by the ward"
    """
    from flows.explain import explain as facts_of
    from flows.explain import print_explanation
    from flows.people import NO_SUCH_PATIENT, key_of_patient

    # Any number of keys is taken, and refused here: click's own error would repeat them, which
    # may be a patient's number typed with blanks.
    if len(keys) != (patient is None):
        raise ScreeningError("give either a key, or a patient number as --patient NUMBER")
    if issuer is not None and patient is None:
        raise ScreeningError("--issuer goes with --patient NUMBER")
    why = reason_of("--patient", reason, is_asked=patient is not None)
    lake = open_lake(lake_path)
    if patient is None or why is None:
        facts = facts_of(lake, keys[0], out)
    else:
        number = click.prompt("patient number", err=True) if patient == "-" else patient
        key = key_of_patient(lake, number, issuer, why)
        facts = facts_of(lake, key, out, NO_SUCH_PATIENT)
    if as_json:
        show.say(show.as_json(facts))
    else:
        print_explanation(facts)
