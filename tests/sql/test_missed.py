"""Studies left unseen for contrast agent alone, counted by hand."""

from sql_room import INDEX, event, one_person, read, scan

MISSED = ("n", "n_studies", "n_people", "n_people_without_score", "n_people_never_scored")


def contrast(key: str, person: str, *reasons: str, study: str = "") -> tuple:
    more = {"study_key": study} if study else {}
    told = list(reasons) or ["contrast_tag"]
    return scan(key, person, "ineligible", index_date=INDEX, reasons=told, **more)


def missed(scans: list, events: list | tuple = ()) -> dict[str, tuple[int, ...]]:
    rows = read(one_person(*scans, event=events), "out_missed_opportunity")
    return {row["reason"]: tuple(row[name] for name in MISSED) for row in rows}


def test_an_empty_lake_missed_nothing():
    assert missed([]) == {"any": (0, 0, 0, 0, 0)}


def test_what_another_series_of_the_study_made_good_is_not_missed():
    plain = scan("b", "p", agatston=5.0, study_key="one")
    assert missed([contrast("a", "p", study="one"), plain]) == {
        "contrast_tag": (1, 0, 0, 0, 0),
        "any": (1, 0, 0, 0, 0),
    }


def test_what_had_more_against_it_was_no_opportunity():
    coarse = contrast("a", "p", "contrast_tag", "increment_over_5mm")
    scans = [coarse, contrast("b", "p", "derived")]
    assert missed(scans) == {"any": (0, 0, 0, 0, 0)}


def test_people_are_counted_once_and_by_what_is_known_of_them():
    scans = [
        contrast("a1", "a"),
        contrast("a2", "a", "contrast_pixels"),  # twice missed, one person
        contrast("b1", "b"),
        scan("b2", "b", agatston=0.0, study_key="other"),  # scored another day
        contrast("c1", "c"),  # formally scored
        contrast("d1", "d", study="d"),
        contrast("d2", "d", study="d"),  # two series, one study
    ]
    found = missed(scans, [event("formal_calcium_score", INDEX, "c", "75571")])
    assert found == {
        "any": (6, 5, 4, 3, 2),
        "contrast_tag": (5, 4, 4, 3, 2),
        "contrast_pixels": (1, 1, 1, 1, 1),
    }
