"""The plots of the report of a fitted risk model.

Comes in: a `FitReport`. Goes out: SVG, without dates or other metadata.
Refuses: nothing.
"""

from matplotlib.axes import Axes

from screening.fitted import FitReport, Tenth
from screening.report.validation_plots import GREY, INK, LINE, POINT, svg

_COLOURS = {"MESA averaged": GREY, "recalibrated": POINT, "refitted": LINE}


def calibration(report: FitReport) -> bytes:
    """Observed against expected risk by tenths, of the first model and of the one chosen."""
    chosen = "refitted" if report.step == "refit" else "recalibrated"
    shown = {"MESA averaged": GREY, chosen: LINE}

    def draw(axes: Axes) -> None:
        top = 0.05
        # MESA's risk of 10 years is not drawn against what another horizon showed.
        for name, colour in ((n, c) for n, c in shown.items() if n in report.tenths):
            for tenth in report.tenths[name]:
                top = max(top, _point(axes, tenth, colour))
            axes.plot([], [], "o", color=colour, label=name, ms=5)
        axes.plot([0, top], [0, top], color=INK, linewidth=0.8)
        axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
        axes.set_xlabel("expected risk, %")
        axes.set_ylabel("observed risk, %")
        axes.legend(frameon=False)

    return svg((4.8, 4.6), draw)


def _point(axes: Axes, tenth: Tenth, colour: str) -> float:
    expected = 100 * tenth.expected
    told = tenth.observed
    if told.value is None or told.low is None or told.high is None:
        axes.plot(expected, 100 * tenth.n_events / tenth.n, "o", mfc="none", color=colour, ms=5,
                  clip_on=False)  # fmt: skip
        return expected * 1.1
    axes.plot(expected, 100 * told.value, "o", color=colour, ms=5)
    axes.plot([expected] * 2, [100 * told.low, 100 * told.high], color=colour, linewidth=1)
    return max(expected, 100 * told.high) * 1.05


def decision_curve(report: FitReport) -> bytes:
    """Net benefit by threshold."""

    def draw(axes: Axes) -> None:
        percent = [100 * t for t in report.curve.thresholds]
        lines = {n: v for n, v in report.curve.by.items() if n != "all"}
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.plot(percent, report.curve.by["all"], color=INK, linewidth=0.8, ls=":", label="all")
        for name, values in lines.items():
            axes.plot(percent, values, color=_COLOURS[name], linewidth=1.6, label=name)
        top = max(max(values) for values in report.curve.by.values())
        axes.set(xlim=(0, max(percent)), ylim=(-0.15 * top, 1.08 * top))
        axes.set_xlabel("threshold, %")
        axes.set_ylabel("net benefit, events a person")
        axes.legend(frameon=False)

    return svg((5.4, 4.6), draw)
