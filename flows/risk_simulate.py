"""`screening risk simulate`: a lake of simulated people with simulated outcomes, without a scan.

Comes in: a new folder, how many people, a seed. Goes out: `lake/`, `simulated_outcomes.csv` and
`simulated_reference.csv` in it.
Refuses: a folder that already holds something.
"""

from pathlib import Path

from pyarrow import csv

from flows import show
from flows.people_stage import estimate
from screening import risk
from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.lake import Lake, people_told

OUTCOMES, REFERENCE = "simulated_outcomes.csv", "simulated_reference.csv"


def simulate_to_folder(out: Path, site: risk.SimulatedSite, secret: bytes | None) -> Path:
    """Write the lake and its outcomes.

    Returns
    -------
    The lake's folder
    """
    if out.exists() and any(out.iterdir()):
        raise ScreeningError(f"{out} is not empty; give --out another folder")
    lake = Lake.open(out / "lake", secret, create=True)
    keys = lake.vault.pseudonymise(site.raw_instances())
    with lake.lease("simulated"):
        for name, table in site.lake_tables(keys).items():
            lake.replace(name, table)
        estimate(lake, risk.SIMULATED_AS_OF, RiskSettings(), people_told([keys]).birth_key_of)
        lake.publish(risk.SIMULATED_AS_OF, "simulated")
    for name, table in ((OUTCOMES, site.outcomes()), (REFERENCE, site.true_scores())):
        csv.write_csv(table, out / name)
    return lake.path


def print_simulated(out: Path) -> None:
    """Print where everything lies, and what to do with it."""
    show.say("simulated people, scores and outcomes; no scan, no patient")
    show.say(
        "planted: ward B has twice the events that MESA expects; the scanner of site south reads a "
        "fifth of the calcium"
    )
    show.say(
        f"screening risk evaluate --lake {out / 'lake'} --outcomes {out / OUTCOMES} "
        f"--reference {out / REFERENCE} --group ward --group site --out {out / 'evaluation'}"
    )
