"""One scan in words: how it was made, where the calcium is, what stands beside the score.

Comes in: rows of `core_disposition` and `series`. Goes out: sentences, and tables of a page.
Refuses: nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from flows import bright_words, show, words
from screening import scoring
from screening.report.page import Grid

Row = Mapping[str, object]

# What may be read as calcium of a vessel or valve; bone and airways are labelled to be left out.
OUTSIDE = ("aorta", "aortic_valve", "mitral_annulus", "pericardium")

KINDS = {
    "gated": "ECG-gated",
    "pet_ct": "for the attenuation of a PET, not ECG-gated",
    "lung_screening": "lung screening, not ECG-gated",
    "low_dose": "low dose, not ECG-gated",
    "routine": "not ECG-gated",
}


def images(series: Row, kind: str) -> str:
    """Say how a series was made: slices, spacing, voltage, kernel, and of which kind it is."""
    n = series["n_slices"]
    size = f"{n} slice{'' if n == 1 else 's'} of {series['rows']} × {series['columns']}"
    increment, thickness = series["increment_mm"], series["thickness_mm"]
    apart = f", {show.number(increment, 2)} mm apart" if increment is not None else ""
    voltage = f"{show.number(series['kvp'])} kV" if series["kvp"] else "unknown"
    thick = f", {show.number(thickness, 2)} mm thick" if thickness else ", thickness unknown"
    made = f"{size}{apart}{thick}, tube voltage {voltage}, kernel {series['kernel'] or 'unknown'}"
    return f"{made}; {KINDS[kind]}" if kind else made


def where(row: Row) -> str:
    """Name the arteries with calcium and their scores."""
    found = [
        f"{text} {words.units(row[f'agatston_{name}'])}"
        for name, text in words.VESSELS.items()
        if row[f"agatston_{name}"]
    ]
    return ", ".join(found) or "none"


def amounts(row: Row) -> list[str]:
    """Return volume and mass by both methods, with their 95 % intervals where there are any."""
    unit = {"volume": "mm³", "mass": "mg"}
    names = {
        "volume": "volume_mm3",
        "volume, interpolated between the slices": "volume_isotropic_mm3",
        "mass": "mass_mg",
        "mass, integrated with what lies below the threshold": "mass_integrated_mg",
    }
    lines = []
    for told, name in names.items():
        if row[name] is None:
            continue
        lines.append(f"{told} {_interval(row, name, unit[told.partition(',')[0]])}")
    return lines


def _interval(row: Row, name: str, unit: str) -> str:
    """Return a measure with its 95 % interval where there is one; empty without the measure."""
    if row[name] is None:
        return ""
    text = f"{show.number(row[name], 1)} {unit}"
    if row[f"{name}_low"] is None:
        return text
    if row[f"{name}_high"] is None:
        more = show.no_upper_end(row["agatston"], row["quality_flags"])
        return f"{text} (95 %: {show.number(row[f'{name}_low'], 1)} {more})" if more else text
    low, high = (show.number(row[f"{name}_{end}"], 1) for end in ("low", "high"))
    return f"{text} (95 %: {low} to {high})"


def sizes(row: Row) -> str:
    """Return volume and mass of all that counted, with their 95 % intervals."""
    volume, mass = _interval(row, "volume_mm3", "mm³"), _interval(row, "mass_mg", "mg")
    return f"All together: volume {volume or '–'}, mass {mass or '–'}."


def spots(row: Row, seen: Row | None) -> list[str]:
    """Return the spots that remarks on stents, calcium and metal are about.

    Parameters
    ----------
    row : of a scored series
    seen : what the model saw of it (`bright_words.told_of`), None where it is not shown
    """
    is_remarked_on = scoring.Flag.CALCIUM_POSSIBLE in words.as_list(row["quality_flags"])
    left_out = bright_words.possible_calcium(seen) if seen is not None and is_remarked_on else []
    return [*possible_stents(row, seen), *left_out, *metal(row)]


def possible_stents(row: Row, seen: Row | None) -> list[str]:
    """Return each spot that may be a stent, counted or not."""
    counted = [
        f"may be a stent: {x['label']}, {show.number(x['volume_mm3'])} mm³, "
        f"{bright_words.slices(x['slices'])}"
        for x in words.rows(row["lesions"])
        if scoring.may_be_a_stent(float(str(x["volume_mm3"])), float(str(x["probability"])))
    ]
    return counted + ([] if seen is None else bright_words.possible_stents(seen))


def metal(row: Row) -> list[str]:
    """Say how many units were taken for metal, which are not in the score; nothing of none."""
    units = [p["agatston"] for p in words.rows(row["other"]) if p["label"] == "metal"]
    told = [words.units(n) for n in units if n]
    return [f"taken for metal and not counted: {n} unit{'' if n == '1' else 's'}" for n in told]


def factor(row: Row) -> str:
    """Say how HU became mass."""
    if row["mass_factor_source"] == "rod":
        return "mass calibrated by a rod in the scan"
    return "mass is uncalibrated: a default for the tube voltage stands in for a rod"


def by_vessel(row: Row) -> list[str]:
    """Return each calcified artery's measures; without them, its score."""
    measured = [v for v in words.as_list(row["vessel_measures"]) if isinstance(v, Mapping)]
    if not measured:
        return [words.vessels(row)]
    lines = []
    for vessel in measured:
        told = words.VESSELS[str(vessel["label"]).lower()]
        if not vessel["volume_mm3"]:
            lines.append(
                f"{told}: none{show.at_least(row['agatston'], row['quality_flags'], ' seen')}"
            )
            continue
        n = vessel["n_lesions"]
        density = ""
        if vessel["density"] is not None:
            density = f", density {show.number(vessel['density'], 1)}"
        lines.append(
            f"{told}: Agatston {show.number(vessel['agatston'], 1)}, "
            f"{_size(vessel)}, {n} lesion{'' if n == 1 else 's'}{density}"
        )
    return lines


def elsewhere(row: Row, only: Sequence[str] = ()) -> list[str]:
    """Return the calcium outside the coronaries, place by place; of some places `only`."""
    lines = []
    for place in words.rows(row["other_measures"]) or words.rows(row["other"]):
        if place["agatston"] and (not only or place["label"] in only):
            name = "thoracic aorta" if place["label"] == "aorta" else words.plain(place["label"])
            more = f", {_size(place)}" if place.get("volume_mm3") is not None else ""
            lines.append(f"{name}: Agatston {show.number(place['agatston'], 1)}{more}")
    return lines


def _size(place: Row) -> str:
    return f"{show.number(place['volume_mm3'], 1)} mm³, {show.number(place['mass_mg'], 1)} mg"


def outside(row: Row) -> str:
    """Say what calcium was seen beside the coronaries; none of it is in the score."""
    found = elsewhere(row, only=OUTSIDE)
    where = "near the heart and along the thoracic aorta within the scan"
    if not found:
        return f"none of aorta, valves or pericardium was seen {where}."
    return f"{'; '.join(found)} ({where}; not in the score)."


def _lesions(row: Row, name: str) -> list[Row]:
    return [lesion for lesion in words.rows(row["lesions"]) if lesion["label"] == name.upper()]


def _brightest(lesions: Sequence[Row]) -> str:
    return show.number(max((int(str(x["max_hu"])) for x in lesions), default=None))


def _slices(lesions: Sequence[Row]) -> str:
    """Return the runs of slices in which an artery's deposits lie."""
    runs: list[list[int]] = []
    for first, last in sorted([int(str(k)) for k in words.as_list(x["slices"])] for x in lesions):
        if runs and first <= runs[-1][1] + 1:
            runs[-1][1] = max(runs[-1][1], last)
        else:
            runs.append([first, last])
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in runs) or "–"


def _measure(row: Row, name: str, measure: str) -> str:
    """Return a measure of one artery; a dash where there is no calcium."""
    found = [v for v in words.rows(row["vessel_measures"]) if v["label"] == name.upper()]
    return show.number(found[0][measure], 1) if found and found[0]["volume_mm3"] else "–"


def _units(row: Row, name: str) -> str:
    """Return the score of one artery; of a lower bound a zero says what was seen."""
    score = row[f"agatston_{name}"]
    seen = show.at_least(row["agatston"], row["quality_flags"], "none seen")
    return seen if score == 0 and seen else words.units(score)


# One column a measure of an artery: another is a line here.
_BY_ARTERY: tuple[tuple[str, Callable[[Row, str], str]], ...] = (
    ("Agatston", lambda row, name: _units(row, name)),
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
    score = words.at_least(row) + words.units(row["agatston"])
    total = ("all together", score, volume, mass, str(n or "–"), "", "")
    return Grid(
        ("artery", *(name for name, _ in _BY_ARTERY)),
        (*rows, total),
        f"Agatston units; {factor(row)}.",
        ("Agatston", "volume, mm³", "mass, mg", "deposits", "brightest, HU"),
    )


def beside(row: Row) -> tuple[tuple[str, str], ...]:
    """Return what stands beside a score: other conventions, each with what it is."""
    if row["score_group"] is None:
        return ()
    told = [
        ("older groups of four", words.group(row).replace(">=", "≥ ").replace("-", "–")),
        ("CAC-DRS", f"{row['cac_drs']} (class and arteries, {words.drs_class(row)})"),
        ("volume, isotropic", _interval(row, "volume_isotropic_mm3", "mm³")),
        ("mass, integrated", _interval(row, "mass_integrated_mg", "mg")),
        ("density", _amount(row["density"], "on a scale of 1 to 4")),
    ]
    if row["kvp_source"] in words.KVP_SOURCES:
        source = words.KVP_SOURCES[str(row["kvp_source"])]
        told.append(
            ("thresholds for the tube voltage", _other(row, "agatston_kvp", f"units ({source})"))
        )
    elif row["kvp_source"] in words.NO_KVP_SCORE:
        why = words.NO_KVP_SCORE[str(row["kvp_source"])]
        told.append(("thresholds for the tube voltage", why))
    if row["agatston_native"] is not None:
        of = "" if row["slab_mm"] is None else f" of {show.number(row['slab_mm'], 1)} mm"
        text = _other(row, "agatston_native", f"units; averages{of} were scored")
        told.append(("the thin slices as they are", text))
    return tuple((name, text) for name, text in told if text)


def _other(row: Row, name: str, unit: str) -> str:
    return "" if row[name] is None else f"{words.of_same_scan(row, name)} {unit}"


def _amount(value: object, unit: str) -> str:
    return "" if value is None else f"{show.number(value, 1)} {unit}"


def parameters(row: Row) -> str:
    """Say by which convention and numbers a score was made."""
    p = json.loads(str(row["parameters"] or "{}"))
    if not p:
        return words.UNKNOWN
    edges = ", ".join(str(edge) for edge in p["weight_edges_hu"])
    name = words.plain(p["convention"]).replace("agatston 1990", "Agatston 1990")
    from_hu = "above" if p.get("is_strict") else "from"
    return (
        f"{name}: {from_hu} {p['threshold_hu']} HU, areas of {p['min_area_mm2']} mm² and more, "
        f"{p['connectivity']} neighbours, weights rise at {edges} HU, "
        f"slices of {p['reference_increment_mm']} mm"
    )
