"""One scan in words: how it was made, where the calcium is, what stands beside the score.

Comes in: rows of `core_disposition` and `series`. Goes out: sentences, and tables of a page.
Refuses: nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from flows import show, words
from screening.report.page import Grid

Row = Mapping[str, object]

# What may be read as calcium of a vessel or valve; bone and airways are labelled to be left out.
OUTSIDE = ("aorta", "aortic_valve", "mitral_annulus", "pericardium")


def images(series: Row) -> str:
    """Say how a series was made: slices, spacing, voltage, kernel."""
    n = series["n_slices"]
    size = f"{n} slice{'' if n == 1 else 's'} of {series['rows']} × {series['columns']}"
    increment = series["increment_mm"]
    apart = f", {show.number(increment, 2)} mm apart" if increment is not None else ""
    voltage = f"{show.number(series['kvp'])} kV" if series["kvp"] else "unknown"
    return f"{size}{apart}, tube voltage {voltage}, kernel {series['kernel'] or 'unknown'}"


def where(row: Row) -> str:
    """Name the arteries with calcium and their scores."""
    found = [
        f"{text} {words.units(row[f'agatston_{name}'])}"
        for name, text in words.VESSELS.items()
        if row[f"agatston_{name}"]
    ]
    return ", ".join(found) or "none"


def outside(row: Row) -> str:
    """Say what calcium was seen beside the coronaries; none of it is in the score."""
    found = words.elsewhere(row, only=OUTSIDE)
    if not found:
        return "none was seen near the heart."
    told = "; ".join(found)
    return f"{told} (as far as it lies near the heart; not in the score)."


def _lesions(row: Row, name: str) -> list[Row]:
    return [lesion for lesion in words.rows(row["lesions"]) if lesion["label"] == name.upper()]


def _brightest(lesions: Sequence[Row]) -> str:
    return show.number(max((int(str(x["max_hu"])) for x in lesions), default=None))


def _slices(lesions: Sequence[Row]) -> str:
    ends = [tuple(int(str(k)) for k in words.as_list(x["slices"])) for x in lesions]
    spans = sorted({f"{a:04d}": f"{a}" if a == b else f"{a}–{b}" for a, b in ends}.items())
    return ", ".join(span for _, span in spans) or "–"


def _measure(row: Row, name: str, measure: str) -> str:
    """Return a measure of one artery; a dash where there is no calcium."""
    found = [v for v in words.rows(row["vessel_measures"]) if v["label"] == name.upper()]
    return show.number(found[0][measure], 1) if found and found[0]["volume_mm3"] else "–"


# One column a measure of an artery: another is a line here.
_BY_ARTERY: tuple[tuple[str, Callable[[Row, str], str]], ...] = (
    ("Agatston", lambda row, name: words.units(row[f"agatston_{name}"])),
    ("volume, mm³", lambda row, name: _measure(row, name, "volume_mm3")),
    ("mass, mg", lambda row, name: _measure(row, name, "mass_mg")),
    ("deposits", lambda row, name: str(len(_lesions(row, name)) or "–")),
    ("brightest, HU", lambda row, name: _brightest(_lesions(row, name))),
    ("slices from the head, the first is 0", lambda row, name: _slices(_lesions(row, name))),
)


def by_artery(row: Row) -> Grid:
    """Return the table of the arteries, and their sum."""
    rows = [
        (text, *(told(row, name) for _, told in _BY_ARTERY)) for name, text in words.VESSELS.items()
    ]
    n = len(words.as_list(row["lesions"]))
    volume, mass = show.number(row["volume_mm3"], 1), show.number(row["mass_mg"], 1)
    total = ("all together", words.units(row["agatston"]), volume, mass, str(n or "–"), "", "")
    return Grid(
        ("artery", *(name for name, _ in _BY_ARTERY)),
        (*rows, total),
        f"Agatston units; {words.factor(row)}.",
        ("Agatston", "volume, mm³", "mass, mg", "deposits", "brightest, HU"),
    )


def beside(row: Row) -> tuple[tuple[str, str], ...]:
    """Return what stands beside a score: other conventions, each with what it is."""
    if row["agatston_high"] is None:
        return ()
    told = [
        ("older groups of four", str(row["score_group"]).replace(">=", "≥ ").replace("-", "–")),
        ("CAC-DRS", f"{row['cac_drs']} (class and arteries; the scan is not gated)"),
        ("volume, isotropic", _amount(row["volume_isotropic_mm3"], "mm³")),
        ("mass, integrated", _amount(row["mass_integrated_mg"], "mg, uncalibrated")),
        ("density", _amount(row["density"], "on a scale of 1 to 4")),
    ]
    if row["kvp_source"] in words.KVP_SOURCES:
        source = words.KVP_SOURCES[str(row["kvp_source"])]
        told.append(
            ("thresholds for the tube voltage", _amount(row["agatston_kvp"], f"units ({source})"))
        )
    if row["agatston_native"] is not None:
        text = _amount(row["agatston_native"], "units; their averages were scored")
        told.append(("the thin slices as they are", text))
    return tuple((name, text) for name, text in told if text)


def _amount(value: object, unit: str) -> str:
    return "" if value is None else f"{show.number(value, 1)} {unit}"


def parameters(row: Row) -> str:
    """Say by which convention and numbers a score was made."""
    p = json.loads(str(row["parameters"] or "{}"))
    if not p:
        return words.UNKNOWN
    edges = ", ".join(str(edge) for edge in p["weight_edges_hu"])
    name = words.plain(p["convention"]).replace("agatston 1990", "Agatston 1990")
    return (
        f"{name}: from {p['threshold_hu']} HU, areas of {p['min_area_mm2']} mm² and more, "
        f"{p['connectivity']} neighbours, weights rise at {edges} HU, "
        f"slices of {p['reference_increment_mm']} mm"
    )
