"""`screening models list|verify|bench`.

Comes in: the models that travel with the program, and folders of imported ones.
Goes out: rows to print. Refuses: nothing; a wrong digest is a row that says so.
"""

from collections.abc import Sequence
from dataclasses import asdict

from screening import inference
from screening.config import Providers
from screening.phantom import trial_scan

BENCH_INCREMENT_MM = 2.5  # a routine chest: more slices than an import's trial has


def listed(extra: Sequence[str] = ()) -> list[dict[str, object]]:
    """Return one row a model."""
    return [
        {
            "name": m.name,
            "version": m.version,
            "digest": inference.digest_of(m),
            "labels": " ".join(m.labels),
            "terms": m.terms,
        }
        for m in inference.list_models(extra)
    ]


def verified(extra: Sequence[str] = ()) -> list[dict[str, object]]:
    """Return one row a model file: whether it is what its manifest says."""
    return [
        {"model": v.model, "file": v.file, "ok": v.is_good, "detail": v.detail}
        for v in inference.verify_models(extra)
    ]


def timed(name: str, n_calls: int, providers: Providers) -> dict[str, object]:
    """Time a model on a phantom, beside the model that travels with the program."""
    model = inference.open_model(name, providers)
    inference.require_providers(providers)
    scan, _ = trial_scan(BENCH_INCREMENT_MM)
    timing = inference.time_model(model, scan, n_calls)
    ours = inference.time_model(inference.open_model(providers=providers), scan)
    return {
        "model": model.identity.name,
        "digest": model.identity.digest,
        **asdict(timing),
        "n_slices": len(scan.hu),
        "default_seconds": ours.seconds,
        "ratio_to_default": timing.seconds / ours.seconds,
    }
