"""`screening models import`: take in a network, and say what it got.

Comes in: an ONNX file and its manifest, or the name of an importer and a checkpoint.
Goes out: a model folder with network, manifest and card; the facts of a trial on a phantom.
Refuses: what `inference.build_model` refuses; a network that gives no answer on the phantom, or
two. Nothing is left behind then.
"""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from flows import show
from screening import inference, scoring
from screening.config import Providers
from screening.errors import ScreeningError
from screening.phantom import trial_scan
from screening.reasons import REASONS
from screening.records import Rejection
from screening.resources import models_folder

IMPORTERS = {"ai-cac": "ai_cac"}
Facts = dict[str, Any]
_SLOW_SECONDS = 30.0  # a tenth of the default scan_timeout_seconds, on a scan of few slices
_FAR_OFF = 2  # times; one phantom cannot tell more than that

_CARD = """# Model card: {name} {version}

Research software, not a medical device. Brought by this site; what it is worth here, only
`screening validate` against readers' scores can tell.

**What it does.** {summary}

**How it is run.** {kind}-wise. Heart and blood are found by the model that travels with the
program; scans without a heart or with contrast agent are refused as ever. Only voxels within
reach of the heart count, {floor}.
Slices and patches without such a voxel are not run; no score depends on them.
{vessels}

**Trained on.** {trained_on}

**Where the settings come from.** {source}

## On the trial phantom
One synthetic chest, 512 x 512, 5 mm slices, true coronary Agatston {truth}. It says that the
network runs and is fed as its manifest says, not how good it is.

| what | value |
|---|---|
{rows}

## Terms
{terms}
"""


def import_model(
    source: str,
    manifest: Path | None,
    weights: Path | None,
    out: Path,
    providers: Providers,
    progress: show.ShowProgress,
) -> Facts:
    """Import a network; return what it is and what it got on the phantom.

    Raises
    ------
    ScreeningError
        What is wrong and what to do; `out` is not made then.
    """
    inference.require_providers(providers)
    out = _new_folder(out)
    with tempfile.TemporaryDirectory(prefix="import-") as work:
        onnx, described = _source(source, manifest, weights, Path(work), progress)
        description = inference.read_description(described)
        staged = Path(work) / "model"
        inference.build_model(onnx, description, staged)
        facts = _try(staged, providers, progress)
        (staged / inference.CARD_FILE).write_text(_card(description, facts), encoding="utf-8")
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged, out)
    facts["folder"] = str(out)
    return facts


def _new_folder(out: Path) -> Path:
    """Tell where `out` is from wherever one stands; refuse what cannot be made or means another.

    It is made and taken away again: a long trial should not end with a folder that cannot be.
    """
    if os.path.lexists(out):  # a link to nowhere, too
        raise ScreeningError(f"{out} is there already; give a new folder")
    out = out.absolute()
    inference.check_new_name(out.name, "--out")
    missing = [folder for folder in (out, *out.parents) if not os.path.lexists(folder)]
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise ScreeningError(f"{out} cannot be made ({error.strerror}); give another") from error
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
    return out


def _source(
    source: str,
    manifest: Path | None,
    weights: Path | None,
    work: Path,
    progress: show.ShowProgress,
) -> tuple[Path, Path]:
    """Return the ONNX file and the JSON that describes it."""
    if source not in IMPORTERS:
        if weights is not None or manifest is None:
            known = ", ".join(IMPORTERS)
            raise ScreeningError(
                f"an ONNX file goes with --manifest FILE (--weights is for: {known})"
            )
        return Path(source), manifest
    if manifest is not None or weights is None:
        raise ScreeningError(f"{source} goes with --weights FILE and brings its own manifest")
    if not weights.is_file():
        raise ScreeningError(f"{weights.name}: no such file; give the authors' checkpoint")
    code = models_folder() / "importers" / f"{IMPORTERS[source]}.py"
    progress("converting", 0, 1)
    _importer(code, source)(weights, work / "converted.onnx")
    progress("converting", 1, 1)
    return work / "converted.onnx", code.with_suffix(".json")


def _importer(code: Path, name: str) -> Callable[[Path, Path], None]:
    """Load an importer from its file: in a wheel `models/` is data, no package."""
    spec = importlib.util.spec_from_file_location(f"importer_{code.stem}", code)
    if spec is None or spec.loader is None:
        raise ScreeningError(f"the importer {name} is missing; install the package again")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        package = str(error.name).partition(".")[0]
        raise ScreeningError(
            f"importing {name} needs {package}; install the extra 'import': "
            "pip install 'screening[import]', or '.[import]' in a checkout"
        ) from error
    convert: Callable[[Path, Path], None] = module.convert
    return convert


def _try(folder: Path, providers: Providers, progress: show.ShowProgress) -> Facts:
    """Run the staged model on the trial phantom."""
    model = inference.open_model(str(folder), providers)
    scan, truth = trial_scan()
    progress("trying it on a phantom", 0, 1)
    begun = perf_counter()
    found, work = inference.infer_counted(model, scan)
    seconds = perf_counter() - begun
    if isinstance(found, Rejection):
        raise ScreeningError(
            f"on the phantom: {REASONS[found.reason].sentence.rstrip('.')} "
            f"({found.detail or found.reason}); check the manifest"
        )
    inference.check_repeats_on(model, scan)
    score = scoring.score(scan, found)
    progress("trying it on a phantom", 1, 1)
    if isinstance(score, Rejection):
        raise ScreeningError(f"on the phantom: {REASONS[score.reason].sentence}")
    vessels = score.vessels
    return {
        "name": model.identity.name,
        "digest": model.identity.digest,
        "folder": "",
        "provider": found.model.provider,
        "phantom": {
            "slices": len(scan.hu),
            "windows": work.n_all if work else None,
            "windows_run": work.n_run if work else None,
            "seconds": round(seconds, 2),
            "labelled_voxels": len(found.index),
            "agatston": round(score.agatston, 1),
            "agatston_true": round(truth.coronary_agatston, 1),
            "category": score.category,
            "vessels": {v: round(getattr(vessels, v), 1) for v in ("LM", "LAD", "LCX", "RCA")},
            "other": {label: round(value, 1) for label, value in score.other},
        },
    }


def _card(description: inference.Description, facts: Facts) -> str:
    network, trial = description.network, facts["phantom"]
    floor = network.output.count_from_hu
    vessels = (
        "The network does not name arteries: each connected thing gets the artery whose coarse\n"
        "heatmap is highest on it. Totals are the network's, arteries are not."
        if "CORONARY" in network.output.labels
        else "Arteries are named by the network."
    )
    return _CARD.format(
        **description.model_dump(include={"name", "version", "summary", "trained_on", "source"}),
        terms=description.terms,
        kind=network.kind.capitalize(),
        floor=f"from {floor} HU" if floor else "from 90 HU, and then by the scoring's threshold",
        vessels=vessels,
        truth=trial["agatston_true"],
        rows="\n".join(f"| {name} | {_words(value)} |" for name, value in trial.items()),
    )


def _words(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {units}" for name, units in value.items() if units) or "none"


def print_import(facts: Facts) -> None:
    """Print what was imported and what it got."""
    trial = facts["phantom"]
    show.say(f"{facts['name']} {facts['digest'][:12]} on {facts['provider']}: {facts['folder']}")
    show.say(
        f"on a phantom: {trial['windows_run']} of {trial['windows']} windows run in "
        f"{trial['seconds']} s, {trial['labelled_voxels']} voxels labelled"
    )
    found, true = float(str(trial["agatston"])), float(str(trial["agatston_true"]))
    show.say(f"coronary Agatston {found}, true {true}")
    if not true / _FAR_OFF <= found <= true * _FAR_OFF:
        show.say(f"FAR OFF, by more than {_FAR_OFF} times: look at manifest and network before use")
    show.table("arteries", ["", "Agatston"], [[k, v] for k, v in trial["vessels"].items()])
    if trial["seconds"] > _SLOW_SECONDS:
        show.say("slow here: raise scan_timeout_seconds well above that, thin scans need more")
    show.say(f'use it: model = "{facts["folder"]}" in screening.toml, or score --model')
    show.say(show.NOTICE)
