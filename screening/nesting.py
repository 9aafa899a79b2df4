"""Whether a header may be given to a reader that descends into sequences by calling itself.

Comes in: the first bytes of a file, or all. Goes out: yes or no.
Refuses: nothing.

dicomsdl ends the process where sequences lie some ten thousand deep in one another, and on what it
takes for elements behind a sequence that is never closed. Each depth needs an item, so few items
are no depth, and what is opened must be closed as often; pydicom, whose depth Python limits,
reads the others.
"""

import re

_UNDEFINED = b"\xff\xff\xff\xff"
_ITEM, _ITEM_END, _SEQUENCE_END = b"\x00", b"\x0d", b"\xdd"
# An item and both ends, by the third byte of their tags: one pass, for every file goes by here.
_DELIMITER = re.compile(rb"\xfe\xff([\x00\x0d\xdd])\xe0")
_BIG_ENDIAN_ITEM = re.compile(rb"\xff\xfe\xe0\x00")
# The pieces of compressed pixels are a sequence too; the end of it lies at the file's.
_PIXELS = b"\xe0\x7f\x10\x00OB\x00\x00" + _UNDEFINED
MAX_ITEMS = 500  # a slice's header has some dozens


def is_plain(data: bytes) -> bool:
    """Tell whether there are too few items for harm, and every sequence is closed."""
    items = sequences = open_items = 0
    for found in _DELIMITER.finditer(data):
        at, after = found.start(), data[found.end() : found.end() + 4]
        if found.group(1) == _ITEM:
            items += 1
            if data[at - 4 : at] == _UNDEFINED and data[at - 12 : at] != _PIXELS:
                sequences += 1
            open_items += after == _UNDEFINED
        elif after == bytes(4):
            sequences -= found.group(1) == _SEQUENCE_END
            open_items -= found.group(1) == _ITEM_END
    if items + len(_BIG_ENDIAN_ITEM.findall(data)) > MAX_ITEMS:
        return False
    return sequences <= 0 and open_items == 0
