"""The bytes of a series' files.

Comes in: an archive's address and paths below it.
Goes out: the files' bytes, in the order asked for.
Refuses: paths that lead out of the archive; files that cannot be read now.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from screening.archive.frame_choice import cuts_frames
from screening.errors import InfrastructureError, ScreeningError


@cuts_frames
def read_bytes(address: str, paths: Sequence[str]) -> list[bytes]:
    """Read whole files.

    Parameters
    ----------
    address : the archive's folder, as `resolve_folder` returns it
    paths : below that folder, as `list_files` gave them

    Raises
    ------
    ScreeningError
        when a path leads out of the archive
    InfrastructureError
        when a file has vanished or cannot be read; the path is not named
    """
    root = os.path.realpath(address)
    files = []
    for number, path in enumerate(paths, start=1):
        target = os.path.realpath(Path(root, path))
        if not target.startswith(root.rstrip("/") + "/"):
            raise ScreeningError(f"file {number} of {len(paths)} lies outside the archive; refused")
        try:
            files.append(Path(target).read_bytes())
        except OSError as error:
            raise InfrastructureError(
                f"file {number} of {len(paths)} of a series cannot be read "
                f"({error.strerror}); check that the archive is reachable"
            ) from None
    return files
