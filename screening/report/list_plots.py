"""The plots of the report of an evaluated list.

Comes in: a `ListReport`. Goes out: SVG, without dates or other metadata.
Refuses: nothing.
"""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from screening.listed import Group, ListReport
from screening.report.validation_plots import GREY, INK, LINE, POINT, svg

# The list in the colour of findings; what it is compared with is cooler, chance is grey.
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "worklist": {"color": LINE, "lw": 2.2, "zorder": 4},
    "score alone": {"color": POINT, "lw": 1.5},
    "10-year risk": {"color": "#3c8a5b", "lw": 1.5},
    "the list at random": {"color": LINE, "lw": 1.0, "ls": ":"},
    "everybody at random": {"color": GREY, "lw": 1.0, "ls": "--"},
}


def capacity(report: ListReport) -> bytes:
    """Draw the share of events reached against reviews a week, by order of working."""
    work = report.workload

    def draw(axes: Axes) -> None:
        for name, style in _STYLES.items():
            line = [p for p in work.curve if p.order == name and p.share.value is not None]
            shares = [100 * (p.share.value or 0.0) for p in line]
            axes.plot([p.per_week for p in line], shares, label=name, **style)
        axes.axvline(work.per_week, color=INK, lw=0.8, ls=":")
        axes.annotate(f" {work.per_week} a week", (work.per_week, 1.0), fontsize=8, va="top",
                      xycoords=("data", "axes fraction"))  # fmt: skip
        axes.set_xscale("log")
        top = max(p.per_week for p in work.curve)
        axes.set_xticks([t * 10**e for e in range(7) for t in (1, 2, 5) if t * 10**e <= top])
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set(ylim=(0, None), xlim=(1, top), xlabel="reviews a week")
        axes.set_ylabel("expected events reached in time, % of all")
        axes.legend(frameon=False, fontsize=8, loc="best")

    return svg((5.4, 4.2), draw)


def gain(report: ListReport) -> bytes:
    """Draw the share of events among the first people of each order."""

    def draw(axes: Axes) -> None:
        for name, style in _STYLES.items():
            values = report.workload.gain[name]
            shown = [(i, 100 * v) for i, v in enumerate(values) if v is not None]
            axes.plot([x for x, _ in shown], [y for _, y in shown], label=name, **style)
            if name == "worklist" and shown and shown[-1][0] < 100:
                axes.plot(*shown[-1], "o", color=LINE, ms=5, zorder=5)
                axes.annotate("the list ends", shown[-1], xytext=(6, -12), fontsize=8,
                              textcoords="offset points", color=LINE)  # fmt: skip
        axes.set(xlim=(0, 100), ylim=(0, 102))
        axes.set_xlabel("reviewed, % of those with a score whom nothing keeps off")
        axes.set_ylabel("expected events among them, % of all")
        axes.legend(frameon=False, fontsize=8, loc="lower right")

    return svg((5.4, 4.2), draw)


def weeks(report: ListReport) -> bytes:
    """Draw newly flagged people and those waiting, week by week."""
    rows = report.workload.weeks

    def draw(axes: Axes) -> None:
        numbers = [w.number for w in rows]
        axes.bar(numbers, [w.n_flagged for w in rows], width=1.0, color=GREY, alpha=0.55, lw=0,
                 label="newly flagged")  # fmt: skip
        axes.plot(numbers, [w.n_waiting for w in rows], color=LINE, lw=1.6,
                  label="waiting at the end of the week")  # fmt: skip
        axes.axhline(report.workload.per_week, color=INK, lw=0.8, ls=":", label="reviews a week")
        axes.set(xlabel="week of the scans", ylabel="people", ylim=(0, None))
        axes.set_xlim(0.5, max(numbers, default=1) + 0.5)
        axes.legend(frameon=False, fontsize=8, loc="upper left")

    return svg((9.6, 2.9), draw)


def sensitivity(report: ListReport) -> bytes:
    """Draw sensitivity of the list in every group of people that has enough events."""
    shown = [g for g in report.groups if g.sensitivity.value is not None]

    def draw(axes: Axes) -> None:
        if report.sensitivity.value is not None:
            axes.axvline(100 * report.sensitivity.value, color=INK, lw=0.8, ls=":")
        for place, group in enumerate(shown):
            _row(axes, place, group)
        axes.set(xlim=(0, 100), ylim=(len(shown) - 0.4, -0.6))
        axes.set_xlabel("of their events on the list, % (dotted: everybody)")
        axes.set_yticks(range(len(shown)), [f"{g.variable}: {g.level}" for g in shown])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        if not shown:
            axes.text(0.5, 0.5, "no group has ten events", ha="center", transform=axes.transAxes)

    return svg((6.6, 1.1 + 0.24 * len(shown)), draw)


def _row(axes: Axes, place: int, group: Group) -> None:
    told = group.sensitivity
    low, high = group.difference.low, group.difference.high
    is_off = low is not None and high is not None and not low <= 0 <= high
    colour = LINE if is_off else POINT
    if told.low is not None and told.high is not None:
        axes.plot([100 * told.low, 100 * told.high], [place] * 2, color=colour, lw=1.4)
    axes.plot(100 * (told.value or 0.0), place, "s", ms=5, color=colour)
