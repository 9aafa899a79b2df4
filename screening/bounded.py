"""A file that a header is read from, no longer than a header can be.

Comes in: an open file. Goes out: the same, for pydicom to read.
Refuses: more reading than any header needs (TooMuchError), and so ends what would fill the memory.

Forty kilobytes, deflated, can hold a million empty items. pydicom makes an object of each: half a
minute and gigabytes (20 microseconds and a kilobyte an item, measured).
"""

import re
from typing import BinaryIO

# The largest headers are those of multi-frame images: two to four kilobytes and some dozens of
# items and elements a frame, a thousand frames.
MAX_ITEMS = 100_000
MAX_READS = 1_000_000
MAX_BYTES = 16 * 1024 * 1024
_ITEM = re.compile(rb"\xfe\xff\x00\xe0|\xff\xfe\xe0\x00")


class TooMuchError(ValueError):
    """A header goes on for longer than any real one."""


class Bounded:
    """Counts what is read of a file, items of sequences too; what is read again counts again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reads = self._bytes = self._items = 0
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read as the file does.

        Raises
        ------
        TooMuchError
            when that is more than a header has
        """
        left = MAX_BYTES - self._bytes + 1
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._reads += 1
        self._bytes += len(data)
        self._items += len(_ITEM.findall(data))
        if self._reads > MAX_READS or self._bytes > MAX_BYTES or self._items > MAX_ITEMS:
            raise TooMuchError
        return data
