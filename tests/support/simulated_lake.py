"""A lake of simulated people, as `screening risk simulate` makes it."""

from pathlib import Path

from night import SECRET, open_lake

from flows.risk_evaluate import Asked, evaluate_to_folder
from flows.risk_simulate import OUTCOMES, REFERENCE, simulate_to_folder
from screening.config import RiskSettings
from screening.risk import simulate_site


def make(folder: Path, n: int, seed: int, **planted: float) -> Path:
    simulate_to_folder(folder, simulate_site(n, seed, **planted), SECRET.encode())
    return folder


def evaluate(
    folder: Path, *, per_week: int = 10, years: float = 10.0, outcomes: Path | None = None
):
    asked = Asked(
        outcomes or folder / OUTCOMES, folder / "evaluation", years, per_week, "CHD",
        ("ward", "site"), folder / REFERENCE,
    )  # fmt: skip
    return evaluate_to_folder(open_lake(folder / "lake"), asked, RiskSettings())
