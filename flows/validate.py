"""`screening validate`: the lake's scores against somebody else's.

Comes in: a lake, a CSV of reference scores, a folder.
Goes out: `report.html` and `report.json` in the folder; the main figures to print.
Refuses: a lake without a finished sweep, a CSV without its columns or without a scored scan.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flows import show
from flows.reference import BOUND_REMARK, VESSEL_REMARK, Joined, join
from flows.status import last_as_of, require_a_finished_sweep
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.report.validation import Validation
from screening.report.validation import validate as compare
from screening.report.validation_page import (
    THRESHOLD_WORDS,
    ZERO,
    About,
    Model,
    render_html,
    render_json,
    zeros_of,
)
from screening.report.wording import told

_MAIN = (
    ("icc_agatston", "ICC(2,1), Agatston"),
    ("icc_log", "ICC(2,1), ln(A + 1)"),
    ("kappa_design_linear", "weighted kappa, linear, five categories"),
    ("kappa_design_quadratic", "weighted kappa, quadratic, five categories"),
    ("kappa_four_linear", "weighted kappa, linear, 0/1-99/100-399/>=400"),
    ("same_category_design", "same category of five"),
    ("bias_agatston", "bias (measured − reference), Agatston"),
    ("bias_log", "bias (measured − reference), ln(A + 1)"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """A validation, what was left out of it, and where its pages are."""

    validation: Validation
    about: About
    json: str
    folder: Path


def run_validate(lake: Lake, reference: Path, out: Path, *, as_json: bool) -> None:
    """Compare, write the report, and print its figures or its JSON."""
    report = validate(lake, reference, out)
    if as_json:
        show.say(report.json)
    else:
        print_summary(report)


def validate(lake: Lake, reference: Path, out: Path) -> Report:
    """Compare, and write the two files.

    Raises
    ------
    ScreeningError
        See the module's text; or `out` cannot be written.
    """
    require_a_finished_sweep(lake)
    as_of = last_as_of(lake)
    joined = join(lake, reference, as_of)
    _make_folder(out)
    about = _about(joined, str(as_of), sha256(reference.read_bytes()).hexdigest())
    if not joined.pairs:
        why = "; ".join(
            f"{len(lines)} × {reason} (line{'s'[: len(lines) > 1]} {show.lines(lines)})"
            for reason, lines in about.left_out
        )
        raise ScreeningError(
            f"none of the {about.n_rows} rows of the reference meets a scored scan: "
            f"{why or 'the file has no rows'}"
        )
    found = compare(joined.pairs)
    text = render_json(found, about)
    show.write_private(out / "report.json", (text + "\n").encode())
    show.write_private(out / "report.html", render_html(found, about).encode())
    return Report(found, about, text, out)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScreeningError(f"cannot make the folder {out}: {error.strerror}") from error


def _about(joined: Joined, as_of: str, digest: str) -> About:
    ledger = joined.ledger
    remarks = ((BOUND_REMARK, ledger.bounds), (VESSEL_REMARK, ledger.bad_vessels))
    return About(
        program_version=show.program_version(),
        as_of=as_of,
        reference_sha256=digest,
        n_rows=ledger.n_rows,
        left_out=tuple((reason.value, tuple(lines)) for reason, lines in ledger.lines.items()),
        not_scored=tuple(ledger.not_scored.most_common()),
        remarks=tuple((text, tuple(lines)) for text, lines in remarks if lines),
        n_without_reference=joined.n_without_reference,
        models=tuple(Model(*model) for model in joined.models),
    )


def print_summary(report: Report) -> None:
    """Print the main figures, and what was left out."""
    about, overall = report.about, report.validation.overall
    rows = [(words, told(overall.figures[name])) for name, words in _MAIN]
    for name, words in THRESHOLD_WORDS.items():
        for measure in ("sensitivity", "specificity"):
            rows.append((f"{measure}, {words}", told(overall.figures[f"{measure}_{name}"])))
    show.table(
        f"{overall.n_scans} scans of {show.people(overall.n_people)}",
        ("measure", "value (95 % interval)"),
        rows,
    )
    show.say(f"{about.n_rows} rows of the reference, {overall.n_scans} compared")
    for reason, lines in (*about.left_out, *about.remarks):
        show.say(f"  {len(lines)} × {reason}")
    show.say(f"scored scans without a reference: {about.n_without_reference}")
    show.say(f"{ZERO} {zeros_of(report.validation)}")
    show.say(show.NOTICE)
    show.say(f"{report.folder / 'report.html'}\n{report.folder / 'report.json'}")
