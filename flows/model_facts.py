"""`screening models list|verify`.

Comes in: the models that travel with the program. Goes out: rows to print.
Refuses: nothing; a wrong digest is a row that says so.
"""

from screening import inference


def listed() -> list[dict[str, object]]:
    """Return one row a model."""
    return [
        {
            "name": m.name,
            "version": m.version,
            "digest": m.digest,
            "labels": " ".join(m.labels),
            "terms": m.terms,
        }
        for m in inference.list_models()
    ]


def verified() -> list[dict[str, object]]:
    """Return one row a model file: whether it is what its manifest says."""
    return [
        {"model": v.model, "file": v.file, "ok": v.is_good, "detail": v.detail}
        for v in inference.verify_models()
    ]
