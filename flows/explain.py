"""`screening explain`: every decision about one series or person, with its picture.

Comes in: a lake and a key. Goes out: the facts in order, and the picture as a file.
Refuses: a key the lake does not hold.
"""

import os
from pathlib import Path

from flows import show
from flows.status import last_as_of
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import REASONS, Reason

Row = dict[str, object]
_TOLD_ELSEWHERE = frozenset({"person_key", "series", "as_of"})


def _about(rows: list[Row], key: str) -> list[Row]:
    return [
        r for r in rows if key in (r.get("series_key"), r.get("person_key"), r.get("study_key"))
    ]


def _picture(lake: Lake, series: list[Row], key: str, out: Path | None) -> list[Row]:
    """Write the pictures of the scored series; each name says which series it shows."""
    written: list[Row] = []
    for row in series:
        series_key = str(row["series_key"])
        png = lake.read_picture(series_key)
        if png is None:
            continue
        file = out or Path(f"{series_key}.png")
        if out is not None and written:
            file = out.with_name(f"{out.stem}-{len(written) + 1}{out.suffix}")
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(png)
        written.append({"series_key": series_key, "file": str(file)})
    return written


def explain(lake: Lake, key: str, out: Path | None) -> dict[str, object]:
    """Return everything decided about a series, study or person.

    Raises
    ------
    ScreeningError
        The lake holds nothing under this key.
    """
    as_of = last_as_of(lake)
    series = _about(lake.read("series").to_pylist(), key)
    if not series:
        raise ScreeningError(
            f"no series, study or person {key} in this lake; see flagged or status"
        )
    keys = {str(r["series_key"]) for r in series}
    history = [r for r in lake.read("dispositions").to_pylist() if r["series_key"] in keys]
    history.sort(key=lambda r: (r["series_key"], str(r["committed_at"])))
    current = [
        r for r in lake.query("core_disposition", as_of).to_pylist() if r["series_key"] in keys
    ]
    people = {str(r["person_key"]) for r in series}
    persons = lake.query("out_person_explanation", as_of).to_pylist()
    return {
        "key": key,
        "as_of": as_of.isoformat(),
        "series": series,
        "current": current,
        "dispositions": history,
        "people": [r for r in persons if r["person_key"] in people],
        "pictures": _picture(lake, series, key, out),
    }


def _sentence(code: object) -> str:
    known = {r.value for r in Reason}
    return REASONS[Reason(str(code))].sentence if code in known else str(code)


def _print_series(row: Row, decided: list[Row]) -> None:
    size = f"{row['n_slices']} slices of {row['rows']} × {row['columns']}"
    increment = show.number(row["increment_mm"], 2)
    show.say(f"series {row['series_key']}  {row['modality']} {row['index_date'] or 'no date'}")
    show.say(
        f"  {size}, {increment} mm apart, {row['kvp'] or '?'} kVp, kernel {row['kernel'] or '?'}"
    )
    for item in decided:
        show.say(f"  {item['state']}")
        for reason in item["reasons"] or []:  # type: ignore[attr-defined]
            show.say(f"    {reason}: {_sentence(reason)} {item['detail'] or ''}".rstrip())
        if item["state"] == "scored":
            _print_numbers(item)


def _print_numbers(row: Row) -> None:
    vessels = ", ".join(
        f"{name.upper()} {show.number(row[f'agatston_{name}'], 1)}"
        for name in ("lm", "lad", "lcx", "rca")
    )
    show.say(f"    Agatston {show.number(row['agatston'], 1)} ({row['category']}): {vessels}")
    show.say(
        f"    volume {show.number(row['volume_mm3'], 1)} mm³, "
        f"mass {show.number(row['mass_mg'], 1)} mg (uncalibrated)"
    )
    flags = ", ".join(row["quality_flags"] or []) or "none"  # type: ignore[arg-type]
    show.say(f"    grade {row['grade']}, noise {show.number(row['noise_hu'])} HU, flags: {flags}")
    others = [f"{o['label']} {show.number(o['agatston'], 1)}" for o in row["other"] or []]  # type: ignore[attr-defined]
    if others:
        show.say(f"    not counted, outside the coronaries: {', '.join(others)}")
    if row["agatston"] == 0:
        show.say("    no calcium detected on this scan; a non-gated zero is not reassurance")
    digest = str(row["model_digest"])[:12]
    show.say(
        f"    by {row['model_name']} {digest} on {row['provider']}, "
        f"scoring version {row['scoring_version']}"
    )


def _shown(name: str, value: object) -> str:
    if isinstance(value, float):
        return show.percent(value) if name.startswith("mesa") else show.number(value, 1)
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print_person(person: Row, as_of: str) -> None:
    show.say(f"person {person['person_key']} as of {as_of}")
    for name, value in person.items():
        if name not in _TOLD_ELSEWHERE and value not in (None, [], ""):
            show.say(f"  {name}: {_shown(name, value)}")


def print_explanation(facts: dict[str, object]) -> None:
    """Print the facts for a person to read."""
    current: list[Row] = facts["current"]  # type: ignore[assignment]
    for row in facts["series"]:  # type: ignore[attr-defined]
        _print_series(row, [c for c in current if c["series_key"] == row["series_key"]])
    for person in facts["people"]:  # type: ignore[attr-defined]
        _print_person(person, str(facts["as_of"]))
    for picture in facts["pictures"]:  # type: ignore[attr-defined]
        show.say(
            f"picture of {picture['series_key']}: {picture['file']} "
            "(identified data; delete after use)"
        )
    show.say(show.NOTICE)
