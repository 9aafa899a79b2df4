"""Two scans of one person, through SQL and the comparison, as a sweep does it."""

from datetime import timedelta

import pyarrow as pa
from sql_room import AS_OF, INDEX, lake, read, scan

from screening.scoring import compare_pairs
from screening.tables import PROGRESSION

YEAR = timedelta(days=365)
MADE = {"thickness_mm": 2.5, "increment_mm": 2.0, "kernel": "B30f", "kvp": 120.0, "is_gated": False}


def scanned(key, years, volume_mm3, owner="p", state="scored", **more):
    day = None if years is None else INDEX + years * YEAR
    lesions = [{"volume_mm3": volume_mm3}] if volume_mm3 else []
    values = MADE | {"index_date": day, "image_digest": key, "volume_mm3": volume_mm3}
    values |= {"agatston": volume_mm3, "lesions": lesions}
    return scan(key, owner, state, **(values | more))


def compared(*scans, **more):
    """Rows of out_progression, with the verdicts that a sweep would have stored."""
    rows = {"series": [s for s, _ in scans], "dispositions": [d for _, d in scans], **more}
    connection = lake(**rows)
    pairs = read(connection, "core_scan_pair")
    schema = connection.sql("from core_scan_pair").to_arrow_table().schema
    found = PROGRESSION.check(compare_pairs(pa.Table.from_pylist(pairs, schema)))
    return read(lake(**rows, progression=found.to_pylist()), "out_progression")


def test_one_row_a_pair_with_both_numbers():
    (row,) = compared(scanned("a", -2, 56.25), scanned("b", 0, 100.0))
    assert (row["person_key"], row["earlier_series_key"], row["later_series_key"]) == (
        "p", "a", "b"
    )  # fmt: skip
    assert (row["earlier_index_date"], row["later_index_date"]) == (INDEX - 2 * YEAR, INDEX)
    assert (row["earlier_volume_mm3"], row["later_volume_mm3"]) == (56.25, 100.0)
    assert (row["earlier_agatston"], row["later_agatston"]) == (56.25, 100.0)
    assert (row["sqrt_volume_change"], row["is_progression"], row["reasons"]) == (2.5, True, [])
    assert row["sqrt_volume_change_per_year"] == 2.5 / (730 / 365.25)


def test_specks_that_do_not_count_are_no_volume():
    def of(*volumes_mm3):
        return [{"volume_mm3": v} for v in volumes_mm3]

    (zeros,) = compared(
        scanned("a", -2, 0.0, lesions=[]), scanned("b", 0, 9.0, agatston=0.0, lesions=[])
    )
    assert (zeros["earlier_volume_mm3"], zeros["later_volume_mm3"]) == (0.0, 0.0)
    assert (zeros["sqrt_volume_change"], zeros["is_progression"]) == (0.0, False)
    (counted,) = compared(
        scanned("a", -2, 20.0, lesions=of(9.0)), scanned("b", 0, 90.0, lesions=of(60.0, 21.0))
    )
    assert (counted["earlier_volume_mm3"], counted["later_volume_mm3"]) == (9.0, 81.0)
    assert counted["is_progression"]
    assert not counted["is_beyond_repeatability"]
    (much,) = compared(scanned("a", -2, 0.0), scanned("b", 0, 81.0))
    assert much["is_beyond_repeatability"]


def test_consecutive_scans_by_date_of_one_person_only():
    rows = compared(
        scanned("c", 0, 3.0), scanned("a", -4, 1.0), scanned("b", -2, 2.0),
        scanned("x", -3, 9.0, owner="q"), scanned("failed", -1, None, state="failed"),
        scanned("nobody1", -3, 9.0, owner=""), scanned("nobody2", -1, 9.0, owner=""),
    )  # fmt: skip
    pairs = [(r["earlier_series_key"], r["later_series_key"]) for r in rows]
    assert pairs == [("a", "b"), ("b", "c")]


def test_what_is_not_comparable_says_why_and_gives_no_growth():
    (row,) = compared(scanned("a", -2, 1.0), scanned("b", 0, 90.0, kvp=80.0, kernel="LUNG"))
    assert row["reasons"] == ["other_kernel", "other_kvp"]
    assert (row["is_progression"], row["sqrt_volume_change"], row["years"]) == (None, None, None)
    same = compared(scanned("a", -2, 1.0), scanned("b", 0, 1.0, image_digest="a"))
    assert same[0]["reasons"] == ["duplicate_images_of"]
    part = {"slice_digests": [7, 2**63 - 1]}
    shared = compared(scanned("a", -2, 1.0, **part), scanned("b", 0, 1.0, slice_digests=[7, 8]))
    assert shared[0]["reasons"] == ["duplicate_images_of"]
    between = compared(
        scanned("a", -4, 1.0, **part), scanned("b", -2, 1.0), scanned("c", 0, 1.0, **part),
        scanned("x", -3, 9.0, owner="q", **part),
        scanned("y", -1, 9.0, owner="q", image_digest=""),
        scanned("z", 0, 9.0, owner="q", image_digest=""),
    )  # fmt: skip
    told = {(r["earlier_series_key"], r["later_series_key"]): r["reasons"] for r in between}
    copy = ["duplicate_images_of"]
    assert told == {("a", "b"): copy, ("b", "c"): copy, ("x", "y"): [], ("y", "z"): []}
    for years, told in ((-1, copy), (-2, []), (None, []), (1, [])):  # a day; the same; none; later
        refused = scanned("c", years, None, state="ineligible", image_digest="a")
        (row,) = compared(scanned("a", -2, 1.0), scanned("b", 0, 1.0), refused)
        assert row["reasons"] == told
    (older,) = compared(scanned("a", -2, 1.0, slice_digests=None), scanned("b", 0, 1.0, **part))
    assert (older["reasons"], older["sqrt_volume_change"]) == ([], 0.0)
    graded = compared(scanned("a", -2, 1.0), scanned("b", 0, 1.0, grade="C", model_digest="n"))
    assert graded[0]["reasons"] == ["grade_not_comparable", "other_model"]


def test_a_scan_without_date_is_told_and_one_after_as_of_is_not_there():
    (row,) = compared(scanned("a", None, 1.0), scanned("b", 0, 1.0))
    assert (row["later_series_key"], row["reasons"]) == ("a", ["no_scan_date"])
    after = {"index_date": AS_OF + timedelta(days=1)}
    assert compared(scanned("a", -2, 1.0), scanned("b", 0, 1.0, **after)) == []


def test_who_opted_out_is_not_compared():
    a, b = scanned("a", -2, 1.0), scanned("b", 0, 1.0)
    out = [{**d, "state": "ineligible", "reasons": ["opted_out"]} for _, d in (a, b)]
    wish = [{"person_key": "p", "scope": "opt_out_all", "valid_from": None}]
    series, dispositions = [a[0], b[0]], [a[1], b[1], *({**d, "choose_version": 2} for d in out)]
    assert read(lake(series=series, dispositions=dispositions, policy=wish), "core_scan_pair") == []
