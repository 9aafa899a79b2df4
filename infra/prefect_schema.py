"""Writes `flows/prefect_schema.sql`: the empty database of the installed Prefect.

    python infra/prefect_schema.py [--check]

Why it is kept: infra/decisions/0006-prefect-server.md.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

SCHEMA = Path(__file__).parent.parent / "flows" / "prefect_schema.sql"
TITLE = "-- Written by infra/prefect_schema.py from Prefect's own migrations; do not edit.\n"


def migrated() -> str:
    """Let Prefect make its database in an empty home, and read it as SQL."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PREFECT_HOME": home, "DO_NOT_TRACK": "1"}
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603
        database = sqlite3.connect(Path(home) / "prefect.db")
        lines = [line.rstrip() for row in database.iterdump() for line in row.splitlines()]
        database.close()
    return TITLE + "\n".join(lines) + "\n"


def content(schema: str) -> list[str]:
    """Lines in an order of their own: Prefect's constraints come in another one every time."""
    return sorted(line.strip().rstrip(",") for line in schema.splitlines())


def main() -> None:
    """Write the file, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        SCHEMA.write_text(migrated())
    elif content(SCHEMA.read_text()) != content(migrated()):
        sys.exit("flows/prefect_schema.sql is out of date; run python infra/prefect_schema.py")


if __name__ == "__main__":
    main()
