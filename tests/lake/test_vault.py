"""The vault: the same person for ever the same key, nobody guessed, nothing readable."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.errors import ScreeningError
from screening.lake import Lake, Vault, people_told
from screening.lake.identifiers import compared_name, normalise_mrn
from screening.lake.store import transaction
from screening.scan_dates import completed_years
from screening.tables import AGES, INSTANCES


def _people(vault, build, *rows):
    return vault.pseudonymise(build.raw(*rows))["person_key"].to_pylist()


def _ids(*pairs):
    return pa.table(
        {
            "issuer": pa.array([p[0] for p in pairs], pa.string()),
            "mrn": pa.array([p[1] for p in pairs], pa.string()),
        }
    )


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("000123", "123"),
        (" 12 3\t", "123"),
        ("ab-007", "AB-007"),
        ("00A7", "00A7"),
        ("000", ""),  # no number: whoever shares it is not one person
        ("Unknown", ""),
        ("n/a", ""),
        ("- -", ""),
        ("XXXX", ""),
        *(
            (none, "")
            for none in (
                "UNK",
                "ANONYME",
                "ANONIMO",
                "Anónimo",
                "DESCONOCIDO",
                "ONBEKEND",
                "Anonymous^",
                "UNKNOWN UNKNOWN",
                "unknown male",
                "no-id",
                "NO NUMBER",
                "NOMRN",
                "NOTKNOWN",
                "not known",
                "sans numéro",
                "TEMP",
                "EMERGENCY",
                "NOTFALL",
                "TEST",
                "Test Patient",
                "HASHED",
                "99999999",
                "009999",
                "999-99-9999",
                "XX-XX",
                "de-identified",
                "N / A",
            )
        ),
        *(
            (number, number)
            for number in (
                "X1",
                "7",
                "22",
                "111",
                "99999998",
                "SMITHJ",
                "TEST1",
                "TEMP-0815",
                "UNK42",
                "NA3",
                "ANONQ",
                "TESTA",
                "NATHAN",
                "A",
                "B",
                "X",
                "NOTTINGHAM",
                "0A0",
                "1-1",
                "IDRIS",
            )
        ),
        ("ANON0042", "ANON0042"),  # a number of a study
        ("", ""),
        ("  ", ""),
        (None, ""),
        ("٠١", "٠١"),  # other scripts' digits stay as they are
    ],
)
def test_how_numbers_are_compared(written, compared):
    assert normalise_mrn(written) == compared == Vault.normalise_mrn(written)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Doe^Jane", "DOE^JANE^A^Dr", True),
        ("Doe^Jane", "Doe Jane", True),
        ("Müller^Zoë", "Mu\u0308ller^Zoe", True),
        ("Yamada^Tarou=山田^太郎", "YAMADA^TAROU", True),
        ("Doe^Jane", "Doe^John", False),
        ("Doe^Jane", "Roe^Jane", False),
        ("", "^^", True),
    ],
)
def test_how_names_are_compared(one, other, is_same):
    assert (compared_name(one) == compared_name(other)) is is_same


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalise_mrn(normalise_mrn(text)) == normalise_mrn(text)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2008, 1, 3), date(2026, 1, 2), 17.0),
        (date(2008, 1, 2), date(2026, 1, 2), 18.0),
        (date(2008, 2, 29), date(2026, 2, 28), 17.0),
        (date(2008, 2, 29), date(2026, 3, 1), 18.0),
        (date(2026, 1, 3), date(2026, 1, 2), None),
        (date(1896, 1, 2), date(2026, 1, 2), 130.0),
        (date(1895, 1, 2), date(2026, 1, 2), None),
        (None, date(2026, 1, 2), None),
        (date(2000, 1, 1), None, None),
    ],
)
def test_completed_years(born, on, years):
    assert completed_years(born, on) == years


def test_keys_stay_and_say_nothing(lake, build):
    rows = ({"scan": "1"}, {"scan": "1"}, {"scan": "2", "patient_id": "0123"}, {"patient_id": "7"})
    first = lake.vault.pseudonymise(build.raw(*[dict(r) for r in rows]))
    again = Lake.open(lake.path, build.secret, create=False).vault.pseudonymise(build.raw(*rows))
    assert first.equals(again)
    assert first.schema.equals(INSTANCES.schema)
    assert first["path"].to_pylist() == sorted(first["path"].to_pylist())
    by_path = {r["path"]: r for r in first.to_pylist()}
    a, b, c, d = (by_path[p] for p in sorted(by_path, key=lambda p: p[-1]))
    assert a["series_key"] == b["series_key"] != c["series_key"]
    assert a["person_key"] == c["person_key"] != d["person_key"]
    assert a["instance_digest"] != b["instance_digest"]
    for prefix, name in (("p_", "person_key"), ("t_", "study_key"), ("s_", "series_key")):
        assert a[name].startswith(prefix)
        assert len(a[name]) == 18


def test_another_lake_gives_other_keys_and_digests(lake, tmp_path, build):
    other = Lake.open(tmp_path / "other", build.secret, create=True)
    one, two = (v.pseudonymise(build.raw({})).to_pylist()[0] for v in (lake.vault, other.vault))
    for name in ("person_key", "study_key", "series_key", "instance_digest"):
        assert one[name] != two[name]


def test_the_issuer_tells_people_apart(lake, build):
    a, b, c = _people(lake.vault, build, {"issuer": "A"}, {"issuer": "B"}, {"issuer": " a "})
    assert a == c != b


def test_the_default_issuer_stands_in(tmp_path, build):
    lake = Lake.open(tmp_path / "lake", build.secret, create=True, default_issuer="A")
    a, b = _people(lake.vault, build, {"issuer": "A"}, {"issuer": ""})
    assert a == b
    assert (
        lake.vault.person_keys(_ids(("", "123"), (None, "0123"), ("A", "123"), ("B", "123")))[
            :3
        ].to_pylist()
        == [a] * 3
    )


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_without_a_number_each_study_is_its_own_person(lake, build, empty):
    a, b, c = _people(
        lake.vault,
        build,
        {"scan": "1", "patient_id": empty},
        {"scan": "1", "patient_id": empty},
        {"scan": "2", "patient_id": empty},
    )
    assert a == b != c
    assert lake.vault.person_keys(_ids(("", empty))).to_pylist() == [None]


def test_clinical_numbers_find_their_person(lake, build):
    unnamed, of_a, of_b, twin_a, twin_b = _people(
        lake.vault,
        build,
        {"patient_id": "1"},
        {"patient_id": "2", "issuer": "A"},
        {"patient_id": "3", "issuer": "B"},
        {"patient_id": "4", "issuer": "A"},
        {"patient_id": "4", "issuer": "B"},
    )

    def find(*pairs):
        return lake.vault.person_keys(_ids(*pairs)).to_pylist()

    assert find(("A", "002"), (None, "3"), ("", "1")) == [of_a, of_b, unnamed]
    assert find(("A", "1")) == [unnamed]  # the scan names no issuer
    assert find(("A", "1"), ("B", "1")) == [None, None]  # two claim it: nobody knows
    assert find(("", "4"), ("A", "4"), ("B", "4")) == [None, twin_a, twin_b]
    assert find(("B", "2"), ("A", "99"), ("A", None)) == [None, None, None]
    assert find() == []


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ({"birth_date": date(1950, 1, 1)}, {"birth_date": date(1950, 1, 1)}, False),
        ({"birth_date": date(1950, 1, 1)}, {"birth_date": date(1950, 1, 2)}, True),
        ({"birth_date": date(1950, 1, 1)}, {"birth_date": None}, False),
        ({"sex": "F"}, {"sex": "M"}, True),
        ({"sex": "F"}, {"sex": "O"}, False),
        ({"sex": "F"}, {"sex": ""}, False),
    ],
)
def test_a_number_is_contradicted_for_as_long_as_its_headers_are(
    lake, build, first, second, conflict
):
    one, other = (lake.vault.pseudonymise(build.raw(row)) for row in (first, second))
    keys = {key for table in (one, other) for key in table["person_key"].to_pylist()}
    assert len(keys) == 1
    assert people_told([one, other]).conflicted == (keys if conflict else frozenset())
    assert people_told([pa.concat_tables([one, other])]) == people_told([one, other])
    for alone in (one, other):
        assert people_told([alone]).conflicted == frozenset()


@pytest.mark.parametrize(
    ("first", "second", "told"), [("F", "F", "F"), ("F", "O", "F"), ("", "M", "M"), ("F", "M", "")]
)
def test_the_sex_that_the_headers_of_a_number_agree_on(lake, build, first, second, told):
    both = [lake.vault.pseudonymise(build.raw({"sex": sex})) for sex in (first, second)]
    (key,) = {key for table in both for key in table["person_key"].to_pylist()}
    assert people_told(both).sex_of == ({key: told} if told else {})


def test_age_by_birth_date_then_as_the_header_states_it(lake, build):
    born = date(1960, 1, 3)
    rows = (
        {"age_years": 70.0, "birth_date": born},
        {"birth_date": born},
        {"birth_date": born, "acquired_on": None},
        {"age_years": 70.0, "birth_date": born, "acquired_on": None},
        {"age_years": 70.0},
    )
    found = lake.vault.pseudonymise(build.raw(*rows))
    assert found["age_years"].to_pylist() == [65.0, 65.0, None, 70.0, 70.0]
    assert found["age_said"].to_pylist() == [70.0, None, None, 70.0, 70.0]


def test_ages_by_the_best_source(lake, build):
    born = date(1960, 6, 1)
    rows = ({"birth_date": born}, {"birth_date": born}, {}, {})
    keyed = lake.vault.pseudonymise(
        build.raw(*({"patient_id": str(i + 1), **row} for i, row in enumerate(rows)))
    )
    keys = keyed["person_key"].to_pylist()
    clinical = {"person_key": [keys[0], keys[2], keys[2]]}
    clinical["birth_date"] = [date(1961, 6, 1), date(1950, 1, 1), date(1951, 1, 1)]
    lake.vault.store_birth_dates(pa.table(clinical))
    scans = {"series_key": ["a", "b", "c", "d"], "person_key": keys}
    scans["index_date"] = [date(2026, 6, 1)] * 4
    scans["age_years"] = [1.0, 1.0, 61.0, None]
    scans["header_doubts"] = [["age"], ["date"], [], None]
    ages = lake.vault.ages(pa.table(scans), people_told([keyed]).birth_key_of)
    assert ages.schema.equals(AGES.schema)
    assert ages["age_years"].to_pylist() == [65.0, 66.0, 61.0, None]
    assert ages["age_source"].to_pylist() == [
        "clinical_birth_date",
        "dicom_birth_date",
        "dicom_age",
        None,
    ]


def test_a_birth_date_that_the_record_no_longer_tells_is_forgotten(lake, build):
    keyed = lake.vault.pseudonymise(build.raw({"birth_date": date(1970, 6, 1)}))
    (key,), born = keyed["person_key"].to_pylist(), people_told([keyed]).birth_key_of
    scans = {"series_key": ["a"], "person_key": [key], "index_date": [date(2026, 6, 1)]}
    scans |= {"age_years": [None], "header_doubts": [None]}
    told = {"person_key": pa.array([key]), "birth_date": pa.array([date(1936, 6, 1)])}
    lake.vault.store_birth_dates(pa.table(told))
    assert lake.vault.ages(pa.table(scans), born)["age_years"].to_pylist() == [90.0]
    lake.vault.store_birth_dates(pa.table(told).slice(0, 0))
    assert lake.vault.ages(pa.table(scans), born)["age_years"].to_pylist() == [56.0]


def test_a_birth_date_that_patient_age_confirms_at_a_scan(lake, build):
    born = {"birth_date": date(1967, 6, 1)}
    keyed = lake.vault.pseudonymise(
        build.raw(*({"patient_id": str(i), **born} for i in range(4)), {"patient_id": "9"})
    )
    keys = keyed["person_key"].to_pylist()
    scans = {
        "person_key": [keys[0], keys[0], keys[1], keys[2], keys[3], keys[4]],
        "index_date": [*[date(2026, 6, 1)] * 4, None, date(2026, 6, 1)],
        "age_said": [None, 58.0, 40.0, None, 59.0, 59.0],
    }
    told = people_told([keyed]).birth_key_of
    found = lake.vault.witnessed_births(pa.table(scans), told)
    assert found.to_pylist() == [{"person_key": keys[0], **born}]
    every = lake.vault.header_births(told).to_pylist()
    assert every == [{"person_key": key, **born} for key in sorted(keys[:4])]


def test_a_header_whose_age_is_doubted_gives_none_by_its_birth_date(lake, build):
    keyed = lake.vault.pseudonymise(build.raw({"birth_date": date(2020, 1, 1)}))
    (key,), born = keyed["person_key"].to_pylist(), people_told([keyed]).birth_key_of
    scan = {"series_key": ["a"], "person_key": [key], "index_date": [date(2026, 6, 1)]}
    scan |= {"age_years": pa.array([None], pa.float64()), "header_doubts": [["age"]]}
    ages = lake.vault.ages(pa.table(scan), born)
    assert ages["age_years"].to_pylist() == ages["age_source"].to_pylist() == [None]


def test_identity_is_shown_for_a_reason_and_noted(lake, build):
    key, nameless = _people(
        lake.vault,
        build,
        {"patient_id": "00 7", "issuer": "A"},
        {"patient_id": "", "scan": "2"},
    )
    with pytest.raises(ScreeningError, match="needs a reason"):
        lake.vault.identify([key], "  ")
    shown = lake.vault.identify([key, "p_unknown", nameless, key], "call the people of the list")
    assert shown.to_pylist() == [
        {"person_key": key, "issuer": "A", "patient_id": "00 7"},
        {"person_key": nameless, "issuer": "", "patient_id": ""},
    ]
    with transaction(lake.vault.file, lake.vault.keys) as store:
        ((_, who, reason, people),) = store.audits()
    assert who
    assert (reason, people) == ("call the people of the list", 2)


def test_whose_a_number_is_is_told_for_a_reason_and_noted(lake, build):
    of_a, of_none, _ = _people(
        lake.vault,
        build,
        {"patient_id": "00 7b", "issuer": "A"},
        {"patient_id": "007B"},
        {"patient_id": "", "scan": "2"},
    )
    with pytest.raises(ScreeningError, match="needs a reason"):
        lake.vault.look_up("007B", None, " ")
    found = [
        lake.vault.look_up(*who, "asked") for who in (("007B", " a"), ("007b", ""), ("007b", "B"))
    ]
    assert found == [(of_a,), (of_none,), ()]
    assert lake.vault.look_up("", None, "asked") == lake.vault.look_up("none", "", "asked") == ()
    with transaction(lake.vault.file, lake.vault.keys) as store:
        assert [people for *_, people in store.audits()] == [1, 1, 0, 0, 0]


def test_a_hundred_thousand_rows(lake, build):
    one = build.raw({"birth_date": date(1950, 1, 1), "sex": "F"})
    n = 100_000
    numbers = pa.array(range(n)).cast(pa.string())
    big = one.take(pa.array([0] * n, pa.int64()))
    for name, values in {
        "path": pc.binary_join_element_wise("d/", numbers, ""),
        "sop_instance_uid": numbers,
        "series_instance_uid": pa.array([f"s{i // 200}" for i in range(n)]),
        "study_instance_uid": pa.array([f"t{i // 400}" for i in range(n)]),
        "patient_id": pa.array([f"{1 + i // 800}" for i in range(n)]),
    }.items():
        big = big.set_column(big.schema.get_field_index(name), name, values)
    keyed = lake.vault.pseudonymise(big)  # about 1.5 s on the machine it was written on
    assert len(set(keyed["instance_digest"].to_pylist())) == n
    assert len(set(keyed["series_key"].to_pylist())) == n // 200
    assert len(set(keyed["person_key"].to_pylist())) == n // 800
