"""The report of a validation: one HTML page and its numbers as JSON.

Comes in: a `Validation`, and `About`: what was compared, with what, what was left out.
Goes out: self-contained HTML (plots inside, nothing fetched) and JSON; no key, no identity.
Refuses: nothing.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median, quantiles

from screening.fitted import LEAST_PEOPLE
from screening.reasons import REASONS
from screening.report import validation_plots as plots
from screening.report.agreement import icc_f_interval
from screening.report.readings import DESIGN, FOUR, SCALES, SCORES, THRESHOLDS, WEIGHTS, Readings
from screening.report.resample import TOO_FEW
from screening.report.style import head
from screening.report.subgroups import SUBGROUPS
from screening.report.validation import LEAST_SUBGROUP_PEOPLE, Agreement, Figure, Validation
from screening.report.wording import number, plain, told

NOTICE = (
    "Research software, not a medical device. An image reader confirms every finding before anyone "
    "is contacted."
)
ZERO = (
    "A zero on a non-gated scan means that no calcium was detected on that scan. It does not rule "
    "coronary calcium out: motion and thick slices hide small deposits."
)
TITLE = "Validation of calcium scores"
_REASONS: dict[str, str] = {reason.value: text.sentence for reason, text in REASONS.items()}
THRESHOLD_WORDS = {"gt0": "> 0", "ge100": "≥ 100", "ge300": "≥ 300", "ge400": "≥ 400"}


@dataclass(frozen=True, slots=True)
class Model:
    """Which model and scoring made how many of the scores."""

    name: str
    digest: str
    scoring_version: int
    n_scans: int


@dataclass(frozen=True, slots=True)
class About:
    """What was compared, and what was left out.

    left_out : (reason, lines of the reference); not_scored : (reason code, rows)
    """

    program_version: str
    as_of: str
    reference_sha256: str
    n_rows: int
    left_out: tuple[tuple[str, tuple[int, ...]], ...]
    not_scored: tuple[tuple[str, int], ...]
    remarks: tuple[tuple[str, tuple[int, ...]], ...]
    n_without_reference: int
    models: tuple[Model, ...]


def zeros_of(validation: Validation) -> str:
    """Say how often a measured zero had calcium in the reference."""
    zeros = [p.reference for p in validation.pairs if p.measured == 0]
    if not zeros:
        return "No scan measured zero."
    n_missed = sum(reference > 0 for reference in zeros)
    highest = f"; the highest of these scores is {number(max(zeros), 0)}" if n_missed else ""
    return (
        f"Of {len(zeros)} scans that measured zero, {n_missed} had calcium in the "
        f"reference{highest}."
    )


# JSON


def _figure_facts(figure: Figure) -> dict[str, object]:
    return {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "interval": figure.method or None,
        "n_scans": figure.n_scans,
        "n_people": figure.n_people,
        "why": figure.why or None,
    }


def _agreement_facts(agreement: Agreement) -> dict[str, object]:
    return {
        "n_scans": agreement.n_scans,
        "n_people": agreement.n_people,
        "figures": {name: _figure_facts(f) for name, f in agreement.figures.items()},
        "confusion": {
            scale.name: {
                "categories": list(scale.words),
                "rows_reference_columns_measured": agreement.confusion[scale.name],
            }
            for scale in SCALES
        },
    }


def _f_interval_facts(validation: Validation) -> dict[str, object]:
    """Intervals of the ICC by the F distribution, where each person has one scan."""
    overall = validation.overall
    if overall.n_people < LEAST_PEOPLE or overall.n_people < overall.n_scans:
        why = "a person has several scans" if overall.n_people >= LEAST_PEOPLE else TOO_FEW
        return {"why": why}
    pairs = validation.pairs
    readings = Readings.of(
        [p.reference for p in pairs],
        [p.measured for p in pairs],
        [p.person_key for p in pairs],
    )
    return {f"icc_{name}": icc_f_interval(readings.score(name)) for name in SCORES}


def render_json(validation: Validation, about: About) -> str:
    """Return every number of the report, with its n, its interval or why there is none."""
    subgroups: dict[str, dict[str, object]] = {}
    for part in validation.subgroups:
        subgroups.setdefault(part.variable, {})[part.level] = _agreement_facts(part.agreement)
    facts = {
        "notice": NOTICE,
        "zero": f"{ZERO} {zeros_of(validation)}",
        "program_version": about.program_version,
        "models": [
            {"name": m.name, "digest": m.digest, "scoring_version": m.scoring_version,
             "n_scans": m.n_scans}
            for m in about.models
        ],
        "as_of": about.as_of,
        "reference": {
            "sha256": about.reference_sha256,
            "rows": about.n_rows,
            "compared": len(validation.pairs),
            "left_out": [
                {"reason": reason, "n": len(lines), "lines": lines}
                for reason, lines in about.left_out
            ],
            "not_scored": dict(about.not_scored),
            "remarks": [
                {"remark": remark, "n": len(lines), "lines": lines}
                for remark, lines in about.remarks
            ],
        },
        "scored_without_reference": about.n_without_reference,
        "population": dict(_population(validation)),
        "bootstrap": {
            "resampled": "people",
            "n_resamples": validation.n_resamples,
            "seed": validation.seed,
            "confidence": 0.95,
            "least_people": LEAST_PEOPLE,
            "least_subgroup_people": LEAST_SUBGROUP_PEOPLE,
        },
        "overall": _agreement_facts(validation.overall),
        "icc_f_interval": _f_interval_facts(validation),
        "vessels": {name: _agreement_facts(a) for name, a in validation.vessels.items()},
        "subgroups": subgroups,
    }  # fmt: skip
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)


def _spread(values: Sequence[float], digits: int) -> str:
    if len(values) < 2:
        return f"{values[0]:,.{digits}f}" if values else "–"
    low, _, high = quantiles(values, n=4, method="inclusive")
    five = (median(values), low, high, min(values), max(values))
    words = [number(value, digits) for value in five]
    return "{} (quartiles {} to {}, range {} to {})".format(*words)


def _population(validation: Validation) -> list[tuple[str, str]]:
    pairs = validation.pairs
    people = {p.person_key: p for p in pairs}
    ages = [p.age_years for p in pairs if p.age_years is not None]
    sexes = [p.sex for p in people.values()]
    unknown = len(sexes) - sexes.count("F") - sexes.count("M")
    return [
        ("scans compared", f"{len(pairs):,}"),
        ("people", f"{len(people):,}"),
        ("sex", f"{sexes.count('F')} F, {sexes.count('M')} M, {unknown} unknown"),
        ("age at the scan, years", _spread(ages, 0)),
        ("gated scans", str(sum(p.is_gated is True for p in pairs))),
        ("reference Agatston", _spread([p.reference for p in pairs], 0)),
        ("measured Agatston", _spread([p.measured for p in pairs], 0)),
        ("reference zero", f"{sum(p.reference == 0 for p in pairs)} scans"),
        ("measured zero", f"{sum(p.measured == 0 for p in pairs)} scans"),
    ]


# HTML


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _plot(svg: bytes, words: str) -> str:
    data = base64.b64encode(svg).decode()
    image = f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"


_KEY_FIGURES = (
    ("icc_agatston", "ICC(2,1), Agatston", 3),
    ("icc_log", "ICC(2,1), ln(A + 1)", 3),
    *(
        (f"kappa_{scale.name}_{weights}", f"weighted kappa ({weights}), {words}", 3)
        for scale, words in ((DESIGN, "edges 0, 100, 300, 1000"), (FOUR, "edges 0, 100, 400"))
        for weights in WEIGHTS
    ),
    ("same_category_design", "same category, edges 0, 100, 300, 1000", 3),
    ("same_category_four", "same category, edges 0, 100, 400", 3),
)


def _key_figures(agreement: Agreement) -> str:
    rows = []
    for name, words, digits in _KEY_FIGURES:
        figure = agreement.figures[name]
        rows.append((words, told(figure, digits), f"{figure.n_scans} / {figure.n_people}"))
    return _table(("measure", "value (95 % interval)", "scans / people"), rows)


def _limits(agreement: Agreement) -> str:
    rows = []
    for score, words, digits in (
        ("agatston", "Agatston", 1),
        ("log", "ln(A + 1)", 3),
        ("log_some_calcium", "ln(A + 1), without scans that are zero in both", 3),
    ):
        parts = ("bias", "limit_low", "limit_high")
        parts_told = [told(agreement.figures[f"{p}_{score}"], digits) for p in parts]
        rows.append((words, *parts_told, str(agreement.figures[f"bias_{score}"].n_scans)))
    return _table(("measured − reference of", "bias", "lower limit", "upper limit", "scans"), rows)


def _without_zeros(validation: Validation) -> str:
    """Draw the differences without double zeros; nothing where there are none to leave out."""
    if not any(p.reference == 0 and p.measured == 0 for p in validation.pairs):
        return ""
    caption = "Without scans that are zero in both, which make limits look narrower than they are."
    return _plot(plots.bland_altman(validation, "log_some_calcium"), caption)


def _thresholds(agreement: Agreement) -> str:
    rows = []
    for name in THRESHOLDS:
        figures = [agreement.figures[f"{m}_{name}"] for m in ("sensitivity", "specificity", "f1")]
        yes, no = figures[0].n_scans, figures[1].n_scans
        rows.append((THRESHOLD_WORDS[name], f"{yes} / {no}", *(told(f) for f in figures)))
    head = ("Agatston", "reference yes / no", "sensitivity", "specificity", "F1")
    return _table(head, rows)


def _confusion(agreement: Agreement) -> str:
    table = agreement.confusion[FOUR.name]
    names = [plain(code) for code in FOUR.words]
    rows = [(w, *map(str, row)) for w, row in zip(names, table, strict=True)]
    return _table(("reference ↓ measured →", *names), rows)


_PARTS = {
    "Agreement": (
        ("icc_log", "ICC(2,1), ln(A + 1)", 3),
        ("kappa_design_linear", "kappa, linear", 3),
        ("bias_log", "bias, ln(A + 1)", 2),
    ),
    "Detection": (
        ("sensitivity_gt0", "sensitivity > 0", 2),
        ("specificity_gt0", "specificity > 0", 2),
        ("sensitivity_ge100", "sensitivity ≥ 100", 2),
        ("specificity_ge100", "specificity ≥ 100", 2),
    ),
}
_Part = tuple[tuple[str, ...], Agreement]


def _parts(parts: Sequence[_Part], first: tuple[str, ...]) -> str:
    """Tables of every part: how well it agrees, and what it detects."""
    text = ""
    for title, figures in _PARTS.items():
        rows = [
            (*names, f"{a.n_scans} / {a.n_people}",
             *(told(a.figures[name], digits) for name, _, digits in figures))
            for names, a in parts
        ]  # fmt: skip
        head = (*first, "scans / people", *(words for _, words, _ in figures))
        text += f'<h3>{title}</h3><div class="wide">{_table(head, rows)}</div>'
    return text + "<p>F1 and the thresholds 300 and 400: in report.json.</p>"


def _unknown(validation: Validation) -> str:
    known = {s.variable for s in validation.subgroups}
    missing = [group.title.lower() for name, group in SUBGROUPS.items() if name not in known]
    return f"<p>Not known of any scan: {escape(', '.join(missing))}.</p>" if missing else ""


def _rows_used(validation: Validation, about: About) -> str:
    rows = [("rows of the reference", str(about.n_rows), "")]
    rows.append(("compared", str(len(validation.pairs)), ""))
    rows += [(f"left out: {why}", str(len(at)), _lines(at)) for why, at in about.left_out]
    rows += [(f"remark: {why}", str(len(at)), _lines(at)) for why, at in about.remarks]
    rows.append(("scored scans without a reference", str(about.n_without_reference), ""))
    text = _table(("", "n", "lines of the file"), rows)
    if about.not_scored:
        text += "<p>Why scans of the reference have no score:</p>"
        rows = [(_REASONS.get(code, plain(code)), str(n), "") for code, n in about.not_scored]
        text += _table(("reason", "n", ""), rows)
    return text


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:10])
    return shown + (" …" if len(lines) > 10 else "")


def _versions(about: About) -> str:
    rows = [("program", about.program_version), ("scores as of", about.as_of)]
    for m in about.models:
        text = f"{m.name}, sha256 {m.digest[:12]}, scoring version {m.scoring_version}"
        rows.append(("model", f"{text}: {m.n_scans} scans"))
    rows.append(("reference file", f"sha256 {about.reference_sha256[:12]}"))
    return _table(("", ""), rows)


def _methods(validation: Validation) -> str:
    return (
        f"Intervals: 95 %, percentile bootstrap over people ({validation.n_resamples} resamples, "
        f"seed {validation.seed}), since scans of one person are not independent; none below "
        f"{LEAST_PEOPLE} people, of subgroups below {LEAST_SUBGROUP_PEOPLE} counts only; "
        "Clopper and Pearson's over people where a share is 0 or 1. "
        "On simulated readings they held the truth 92 to 94 times in 100 with 60 people, 86 to 93 "
        "times with 20. "
        "ICC(2,1): two-way random, absolute agreement, single rating (Shrout and Fleiss 1979). "
        "Kappa: Cohen 1968, linear and quadratic weights. Limits of agreement: bias ± 1.96 SD "
        "(Bland and Altman 1986); on ln(A + 1) a difference is a ratio of A + 1, × e^difference. "
        "Categories are half-open: a score of 99.6 lies below 100, also where the reference "
        "writes whole numbers. Scans without a score have no part in any figure."
    )


def render_html(validation: Validation, about: About) -> str:
    """Return the whole page; it fetches nothing."""
    overall = validation.overall
    groups: list[_Part] = [
        ((SUBGROUPS[s.variable].title, plain(s.level)), s.agreement) for s in validation.subgroups
    ]
    sections = [
        f"<h1>{TITLE}</h1>",
        f'<p class="notice">{escape(NOTICE)}</p>',
        f"<p>{escape(ZERO)} {escape(zeros_of(validation))}</p>",
        "<h2>What was compared</h2>", _versions(about),
        "<h2>Population</h2>", _table(("", ""), _population(validation)),
        "<h2>Rows and scans</h2>", _rows_used(validation, about),
        "<h2>Agreement</h2>", _key_figures(overall),
        _plot(plots.scatter(validation),
              "Both scores of each scan. Dotted: 100, 300, 1000. The scale has a place for zero."),
        "<h2>Categories</h2>",
        _plot(plots.confusion(overall, DESIGN),
              "Scans by category; percentages within the category of the reference."),
        _confusion(overall),
        "<h2>Detection</h2>", _thresholds(overall),
        "<h2>Bias and limits of agreement</h2>", _limits(overall),
        '<div class="pair">',
        _plot(plots.bland_altman(validation, "agatston"), "Bland-Altman, Agatston units."),
        _plot(plots.bland_altman(validation, "log"), "Bland-Altman, ln(A + 1)."),
        _without_zeros(validation),
        "</div>",
    ]  # fmt: skip
    if validation.vessels:
        vessels: list[_Part] = [((name,), a) for name, a in validation.vessels.items()]
        sections += ["<h2>Vessels</h2>", _parts(vessels, ("artery",))]
    sections += [
        "<h2>Subgroups</h2>",
        _plot(plots.forest(validation, "icc_log", "ICC(2,1) of ln(A + 1)"),
              "Open squares have no interval; of subgroups below "
              f"{LEAST_SUBGROUP_PEOPLE} people only the count is given. A subgroup with a narrow "
              "range of scores has a "
              "low ICC even where differences are small: read it with the bias below."),
        _plot(plots.forest(validation, "bias_log", "bias of ln(A + 1), measured − reference"),
              "Bias by subgroup: 0.1 means about 10 % above the reference."),
        _parts(groups, ("subgroup", "level")), _unknown(validation),
        "<h2>Methods</h2>", f"<p>{escape(_methods(validation))}</p>",
    ]  # fmt: skip
    return (
        f'<!DOCTYPE html>\n<html lang="en">{head(TITLE)}<body>{"".join(sections)}</body></html>\n'
    )
