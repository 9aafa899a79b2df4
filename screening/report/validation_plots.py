"""The plots of a validation report.

Comes in: a `Validation`. Goes out: SVG, text as outlines, without dates or other metadata.
Refuses: nothing; a plot with nothing in it says so.

Figures are made without pyplot, so that no state is left behind.
"""

from collections.abc import Callable, Sequence
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from screening.report.agreement import LIMIT_SD, Floats
from screening.report.readings import DESIGN, Scale
from screening.report.subgroups import SUBGROUPS
from screening.report.validation import Agreement, Figure, Validation
from screening.report.wording import number, plain, told

INK, LINE, BAND, GREY = "#1b2733", "#b5422c", "#b5422c", "#8a949e"
POINT = "#20639b"
# From here on a plot's points are one picture within it: a file of paths would be too large.
RASTER_FROM = 2000
_TICKS = (0, 1, 10, 100, 300, 1000, 3000, 10000, 30000)


def svg(size: tuple[float, float], draw: Callable[[Axes], None]) -> bytes:
    """Draw, and return the drawing as SVG."""
    # What may differ between computers and runs is fixed.
    with mpl.rc_context(
        {
            "svg.hashsalt": "screening",
            "font.size": 9.0,
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        drawing = Drawing(figsize=size, layout="constrained")
        FigureCanvasSVG(drawing)
        draw(drawing.add_subplot())
        out = BytesIO()
        drawing.savefig(out, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _points(axes: Axes, x: Floats, y: Floats) -> None:
    axes.scatter(
        x, y, s=16, color=POINT, alpha=0.55, linewidths=0, rasterized=len(x) >= RASTER_FROM,
        clip_on=False, zorder=3,
    )  # fmt: skip


def _scores(validation: Validation) -> tuple[Floats, Floats]:
    """Return reference and measured scores, in an order that the rows have no part in."""
    pairs = sorted((p.reference, p.measured) for p in validation.pairs)
    both = np.array(pairs, np.float64)
    return both[:, 0], both[:, 1]


def scatter(validation: Validation) -> bytes:
    """Draw measured against reference on ln(A + 1) axes, with identity and category edges."""
    x, y = (np.log1p(v) for v in _scores(validation))

    def draw(axes: Axes) -> None:
        top = float(max(x.max(), y.max(), np.log1p(100.0))) * 1.05
        for edge in DESIGN.edges:
            axes.axhline(np.log1p(edge), color=GREY, lw=0.5, ls=":")
            axes.axvline(np.log1p(edge), color=GREY, lw=0.5, ls=":")
        axes.plot([0, top], [0, top], color=LINE, lw=1, label="identity")
        _points(axes, x, y)
        ticks = [t for t in _TICKS if np.log1p(t) <= top]
        axes.set_xticks(np.log1p(ticks), [f"{t:,}" for t in ticks])
        axes.set_yticks(np.log1p(ticks), [f"{t:,}" for t in ticks])
        axes.set(xlim=(-0.03 * top, top), ylim=(-0.03 * top, top), aspect="equal")
        axes.set_xlabel("reference, Agatston units (scale: ln(A + 1))")
        axes.set_ylabel("measured, Agatston units (scale: ln(A + 1))")
        n_zero = int(((x == 0) & (y == 0)).sum())
        if n_zero:  # they lie on one another
            axes.annotate(f"{n_zero} zero in both", (0.02 * top, -0.005 * top), xytext=(6, 5),
                          textcoords="offset points", fontsize=8, color=POINT)  # fmt: skip
        axes.legend(loc="upper left", frameon=False)

    return svg((4.8, 4.6), draw)


def bland_altman(validation: Validation, score: str) -> bytes:
    """Draw the difference against the mean of both readings, with bias, limits and their intervals.

    Parameters
    ----------
    validation : Validation
    score : "agatston", "log" or "log_some_calcium"
    """
    x, y = _scores(validation)
    if score == "log_some_calcium":
        kept = (x > 0) | (y > 0)
        x, y = x[kept], y[kept]
    if score != "agatston":
        x, y = np.log1p(x), np.log1p(y)
    figures = validation.overall.figures

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=GREY, lw=0.7)
        for key, word in (("limit_high", f"+{LIMIT_SD} SD"), ("bias", "bias"),
                          ("limit_low", f"−{LIMIT_SD} SD")):  # fmt: skip
            _level(axes, figures[f"{key}_{score}"], word, is_log=score != "agatston")
        _points(axes, (x + y) / 2, y - x)
        axes.margins(x=0.04, y=0.08)
        if score == "agatston":
            axes.set_xlabel("mean of both, Agatston units")
            axes.set_ylabel("measured − reference, Agatston units")
        else:
            top = float(((x + y) / 2).max(initial=0.0))
            ticks = [t for t in _TICKS if np.log1p(t) <= max(top, np.log1p(1))]
            axes.set_xticks(np.log1p(ticks), [f"{t:,}" for t in ticks])
            axes.set_xlabel("mean of both on the scale ln(A + 1), Agatston units")
            axes.set_ylabel("measured − reference, ln(A + 1)")

    return svg((5.6, 3.9), draw)


def _level(axes: Axes, figure: Figure, word: str, *, is_log: bool) -> None:
    if figure.value is None:
        return
    axes.axhline(figure.value, color=LINE, lw=1, ls="-" if word == "bias" else "--")
    if figure.low is not None and figure.high is not None:
        axes.axhspan(figure.low, figure.high, color=BAND, alpha=0.10, lw=0)
    value = number(figure.value, 2 if is_log else 0)
    ratio = f" (× {np.exp(figure.value):.2f})" if is_log else ""
    axes.annotate(
        f"{word}\n{value}{ratio}", (1.01, figure.value),
        xycoords=("axes fraction", "data"), va="center", color=LINE, fontsize=8,
    )  # fmt: skip


def confusion(agreement: Agreement, scale: Scale) -> bytes:
    """Draw scans by category: numbers, and shades by the share within the reference's category."""
    table = np.array(agreement.confusion[scale.name], np.float64)
    of_row = table.sum(axis=1, keepdims=True)
    share = np.divide(table, of_row, out=np.zeros_like(table), where=of_row > 0)

    def draw(axes: Axes) -> None:
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), n in np.ndenumerate(table):
            percent = f"\n{100 * share[row, column]:.0f} %" if n else ""
            axes.text(
                column, row, f"{n:.0f}{percent}", ha="center", va="center",
                color="white" if share[row, column] > 0.55 else INK if n else GREY,
            )  # fmt: skip
        names = [plain(code) for code in scale.words]
        rows = [f"{w}\nn = {int(n)}" for w, n in zip(names, of_row[:, 0], strict=True)]
        axes.set_xticks(range(len(names)), [name.replace(" to", "\nto") for name in names])
        axes.set_yticks(range(len(names)), rows)
        axes.set(xlabel="measured, Agatston units", ylabel="reference, Agatston units")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    side = 0.82 * len(scale.words) + 0.9
    return svg((side + 0.5, side), draw)


def forest(validation: Validation, name: str, title: str) -> bytes:
    """Draw one figure in every subgroup, with its interval where there is one."""
    entries: list[tuple[str, Figure | None]] = [("All scans", validation.overall.figures[name])]
    previous = ""
    for subgroup in validation.subgroups:
        if subgroup.variable != previous:
            entries.append((SUBGROUPS[subgroup.variable].title, None))
            previous = subgroup.variable
        entries.append((plain(subgroup.level), subgroup.agreement.figures[name]))
    is_bias = name.startswith("bias")
    return svg(
        (6.6, 0.9 + 0.21 * len(entries)), lambda axes: _forest(axes, entries, title, is_bias)
    )


def _forest(
    axes: Axes, entries: Sequence[tuple[str, Figure | None]], title: str, is_bias: bool
) -> None:
    for place, (_, figure) in enumerate(entries):
        if figure is not None:
            _forest_row(axes, place, figure)
    overall = entries[0][1]
    if overall is not None and overall.value is not None:
        axes.axvline(overall.value, color=GREY, lw=0.7, ls=":")
    shown = [f for _, f in entries if f is not None and f.value is not None]
    ends = [v for f in shown for v in (f.value, f.low, f.high) if v is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    if not is_bias:
        high = max(1.0, high)
    spare = 0.03 * (high - low) or 0.1
    axes.axvline(0, color=GREY, lw=0.7)
    axes.set(xlim=(low - spare, high + spare), ylim=(len(entries) - 0.4, -0.6))
    axes.set_xlabel(title)
    axes.set_yticks(
        range(len(entries)),
        [w if f is None else f"{w}  (n = {f.n_scans:,})" for w, f in entries],
    )
    axes.tick_params(axis="y", length=0)
    for place, (label, (_, figure)) in enumerate(zip(axes.get_yticklabels(), entries, strict=True)):
        label.set_fontweight("bold" if figure is None or place == 0 else "normal")
    axes.spines["left"].set_visible(False)


def _forest_row(axes: Axes, place: int, figure: Figure) -> None:
    if figure.value is not None:
        has_interval = figure.low is not None
        if figure.low is not None and figure.high is not None:
            axes.plot([figure.low, figure.high], [place, place], color=POINT, lw=1.4)
        axes.plot(figure.value, place, "s", ms=5, color=POINT, mfc=POINT if has_interval else "w")
    digits = 2 if figure.name.startswith("bias") else 3
    axes.annotate(
        told(figure, digits), (1.03, place), xycoords=("axes fraction", "data"), va="center",
        annotation_clip=False, color=INK if figure.low is not None else GREY,
    )  # fmt: skip
