"""What lies between the images of a real archive and is no image.

Comes in: the archive's folder. Goes out: files, and a truth row for each.
Refuses: nothing.
"""

from pathlib import Path

from screening.phantom.expectation import TruthRow
from screening.reasons import Reason

_NOT_DICOM, _IGNORED = "not_dicom", "ignored"

# path, contents, state, reason, why
_FILES: tuple[tuple[str, bytes, str, Reason, str], ...] = (
    (
        "README.txt",
        b"Export of the CT archive. Ask the PACS team before deleting anything.\n",
        _NOT_DICOM,
        Reason.NOT_DICOM,
        "a text someone left",
    ),
    (
        "Thumbs.db",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
        _NOT_DICOM,
        Reason.NOT_DICOM,
        "a file browser's thumbnails",
    ),
    (
        "export/protocol.pdf",
        b"%PDF-1.4\n%%EOF\n",
        _NOT_DICOM,
        Reason.NOT_DICOM,
        "a document beside the images",
    ),
    (
        "DICOMDIR",
        bytes(128) + b"DICM" + bytes(64),
        _IGNORED,
        Reason.IGNORED_FILE,
        "a directory of a disc, not an image",
    ),
    (".DS_Store", b"\x00\x00\x00\x01Bud1", _IGNORED, Reason.IGNORED_FILE, "a hidden file"),
)


def write_clutter(archive: Path) -> list[TruthRow]:
    """Leave the clutter in the archive; says what should become of each file."""
    rows = []
    for name, contents, state, reason, note in _FILES:
        path = archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
        rows.append(
            TruthRow(
                kind="file",
                role="clutter",
                path=name,
                expected_state=state,
                expected_reason=reason.value,
                note=note,
            )
        )
    return rows
