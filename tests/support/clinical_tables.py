"""Clinical tables as a site writes them, and what was refused of them."""

import csv

import pyarrow as pa

COLUMNS = {
    "person": "site_id issuer mrn birth_date sex race death_date",
    "observation": "mrn code value unit effective_at",
    "condition": "mrn code onset_at",
    "medication": "mrn code start_at stop_at",
    "procedure": "mrn code performed_at",
    "report_text": "mrn accession text at",
    "person_policy": "mrn scope from",
}
ALICE = ("s", "H", "A1", "1960-02-29", "F", "white", "")
BOB = ("s", "H", "B2", "1950-01-01", "male", "Black", "2026-03-01")
STRANGER = ("s", "H", "Z9", "1970-01-01", "F", "white", "")
KEYS = {("H", "A1"): "alice", ("H", "B2"): "bob", ("G", "C3"): "carol", ("H", "C3"): "conrad"}


def resolve(table):
    pairs = zip(table["issuer"].to_pylist(), table["mrn"].to_pylist(), strict=True)
    return pa.array([_key(*p) for p in pairs], pa.string())


def _key(issuer, mrn):
    """As the vault: a number without an issuer is the one person's who has it."""
    found = [key for (of, number), key in KEYS.items() if number == mrn and issuer in (of, "")]
    return found[0] if len(found) == 1 else None


def write(folder, **tables):
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS[name].split())
            writer.writerows(rows)
    return folder


def refused(tables, source):
    return {
        (r["reason"], r["detail"]): r["n"]
        for r in tables.rejections.to_pylist()
        if r["source"] == source
    }
