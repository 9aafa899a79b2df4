"""How good a model is on scans it was not trained on.

Comes in: a model folder; for real backgrounds the folder with the real scans and, for each scan,
the model that never saw it.
Goes out: outcomes scan by scan (`KIND-MODEL.json` in `--out`), measures on the terminal.
Refuses: no model to judge, one that cannot be opened or was trained on a scan it is said never to
have seen, a real scan that is missing; all before anything is judged.

    python -m models.train.evaluate unseen --model models/default --model models/phantom --out DIR
    python -m models.train.evaluate shifted --model models/default --model models/phantom --out DIR
    python -m models.train.evaluate placed --real ../shared/real-ct --left-out RUNS --out DIR
    python -m models.train.evaluate real --real ../shared/real-ct --left-out RUNS --out DIR
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.train import backgrounds, placed
from models.train.judge import Outcome, judge
from models.train.landmarks import Landmarks, read_landmarks, scans
from models.train.measures import measures
from models.train.phantoms import TEST_SEED
from models.train.shifted import TestCase, shifted_case
from models.train.unseen import unseen_case
from screening.errors import ScreeningError
from screening.inference import Model, infer, open_model
from screening.inference.manifest import folder_of, read_manifest
from screening.pipeline import measure
from screening.records import Lesion, Rejection, ScoringParameters
from screening.scoring import name_metal

_SHIFTED_FROM = TEST_SEED + 500_000  # of 100_000 and 110_000 some served to set and compare rules
_PLACED_FROM = TEST_SEED + 200_000
_UNSEEN_FROM = TEST_SEED + 620_000  # those of 600_000 showed what the training of 0.3.2 lacked
_SAME_THING_MM = 8.0
GENERATORS: dict[str, tuple[Callable[[int], TestCase], int]] = {
    "unseen": (unseen_case, _UNSEEN_FROM),
    "shifted": (shifted_case, _SHIFTED_FROM),
}


def judged(model: Model, case: TestCase) -> Outcome:
    """Infer and judge one case, metal named as in every score."""
    started = time.perf_counter()
    found = infer(model, case.volume, threads=1)
    seconds = time.perf_counter() - started
    if not isinstance(found, Rejection):
        found = name_metal(case.volume, found)
    return judge(case, found, seconds)


def on_generated(name: str, folders: list[str], count: int) -> dict[str, list[Outcome]]:
    """Show every model the same chests of a generator: `unseen` or `shifted`."""
    make, first = GENERATORS[name]
    models = {f"{name}-{Path(folder).name}": open_model(folder) for folder in folders}
    out: dict[str, list[Outcome]] = {name: [] for name in models}
    for seed in range(first, first + count):
        case = make(seed)
        for model_name, model in models.items():
            out[model_name].append(judged(model, case))
    return out


def on_placed(
    folders: list[str], left_out: Path, real: Path, count: int
) -> dict[str, list[Outcome]]:
    """Show calcium placed into each real scan to models that never saw that scan.

    These are `left_out/SCAN`, and the models of `folders` that were trained on no real scan.
    """
    never = {f"placed-{Path(folder).name}": open_model(folder) for folder in folders}
    out: dict[str, list[Outcome]] = {name: [] for name in ("placed-left-out", *never)}
    for number, scan in enumerate(scans()):
        volume, marks = backgrounds.load_scan(real / scan), read_landmarks(scan)
        models = {"placed-left-out": open_model(str(left_out / scan)), **never}
        first = _PLACED_FROM + number * 10_000
        for seed in range(first, first + count):
            case = placed.placed_case(seed, volume, marks)
            for name, model in models.items():
                out[name].append(judged(model, case))
    return out


def on_real(folders: list[str], left_out: Path, real: Path) -> list[dict[str, object]]:
    """Score the real scans as they are, and say what each lesion is by a person's eye."""
    out: list[dict[str, object]] = []
    for scan in scans():
        volume, marks = backgrounds.load_scan(real / scan), read_landmarks(scan)
        names = {"left-out": str(left_out / scan), **{Path(f).name: f for f in folders}}
        for name, folder in names.items():
            scored = measure(
                volume, open_model(folder), ScoringParameters(), 0.0, 0.0, picture=False
            )
            if isinstance(scored, Rejection):
                out.append({"scan": scan, "model": name, "refused": scored.reason.value})
                continue
            lesions = [
                {
                    "label": lesion.label,
                    "agatston": round(lesion.agatston, 1),
                    "by_eye": _by_eye(lesion, marks),
                }
                for lesion in scored.score.lesions
            ]
            row = {"agatston": round(scored.score.agatston, 1), "lesions": lesions}
            out.append({"scan": scan, "model": name, **row})
    return out


def _by_eye(lesion: Lesion, marks: Landmarks) -> str:
    """Name the nearest bright thing that a person named, within 8 mm."""
    away = [
        float(np.linalg.norm(thing.centroid_lps_mm - np.array(lesion.centroid_lps_mm)))
        for thing in marks.bright_things
    ]
    nearest = marks.bright_things[int(np.argmin(away))]
    if min(away) > _SAME_THING_MM:
        return "unnamed"
    return nearest.label.name + ("" if nearest.is_sure else "?")


def write_outcomes(outcomes: list[Outcome], folder: Path, name: str) -> None:
    """Keep the outcomes, so that tables are made again without the scans."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(o) for o in outcomes], indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _refusal(given: argparse.Namespace) -> str:
    """Say what is missing or not as it is said to be; nothing if all can be judged."""
    needed = "--model" if given.on in GENERATORS else "--left-out"
    if not (given.model if given.on in GENERATORS else given.left_out):
        return f"{given.on} judges models; give {needed}"
    if given.out.exists() and not given.out.is_dir():
        return f"--out: {given.out} is no folder"
    if given.scans < 1:
        return f"--scans: {given.scans} is less than 1"
    names = ["left-out", *(Path(folder).name for folder in given.model)]
    if len(set(names)) < len(names):
        return f"--model: outcomes are kept by the folder's name; two are called alike: {names}"
    try:
        for folder, never in _judged_on(given):
            open_model(folder)
            trained_on = getattr(read_manifest(folder_of(folder)), "trained_on", "")
            for scan in never:
                if scan in trained_on:
                    return f"{folder} was trained on {scan}"
    except ScreeningError as error:
        return str(error)
    return ""


def _judged_on(given: argparse.Namespace) -> list[tuple[str, tuple[str, ...]]]:
    """Every model folder, and the real scans that it must never have seen."""
    on_any = scans() if given.on == "placed" else ()
    folders = [(folder, on_any) for folder in given.model]
    if given.on not in GENERATORS:
        folders += [(str(given.left_out / scan), (scan,)) for scan in scans()]
    return folders


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("on", choices=[*GENERATORS, "placed", "real"])
    parser.add_argument("--model", action="append", default=[], help="folder; may be repeated")
    parser.add_argument("--real", type=Path, default=Path("../shared/real-ct"))
    parser.add_argument("--left-out", type=Path, help="folder with a model for each scan left out")
    parser.add_argument("--scans", type=int, default=150)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if wrong := _refusal(given):
        parser.error(wrong)
    if given.on not in GENERATORS:
        backgrounds.check_scans(given.real, scans())
    if given.on == "real":
        rows = on_real(given.model, given.left_out, given.real)
        given.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(rows, indent=1)
        (given.out / "real.json").write_text(text + "\n", encoding="utf-8")
        print(text)
        return
    if given.on in GENERATORS:
        found = on_generated(given.on, given.model, given.scans)
    else:
        found = on_placed(given.model, given.left_out, given.real, given.scans)
    for name, outcomes in found.items():
        write_outcomes(outcomes, given.out, name)
        print(name, json.dumps(measures(outcomes), indent=2))


if __name__ == "__main__":
    main()
