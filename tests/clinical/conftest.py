"""Reads clinical tables from rows."""

import pytest
from clinical_tables import ALICE, BOB, STRANGER, resolve, write

from screening.clinical import read_clinical


@pytest.fixture
def clinical(tmp_path):
    def read(person=(ALICE, BOB, STRANGER), **tables):
        write(tmp_path, person=person, **tables)
        return read_clinical(tmp_path, resolve)

    return read
