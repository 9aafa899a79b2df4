"""Whether a header may be given to a reader that descends into sequences by calling itself.

Comes in: the first bytes of a file, or all. Goes out: yes or no.
Refuses: nothing.

dicomsdl ends the process where sequences lie some ten thousand deep in one another, and on what it
takes for elements behind a sequence that is never closed. Each depth needs an item, so few items
are no depth, and what is opened must be closed as often; pydicom, whose depth Python limits,
reads the others.
"""

_UNDEFINED = b"\xff\xff\xff\xff"
_ITEM = b"\xfe\xff\x00\xe0"
_ITEM_END = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_BIG_ENDIAN_ITEM = b"\xff\xfe\xe0\x00"
# The pieces of compressed pixels are a sequence too; the end of it lies at the file's.
_PIXELS = b"\xe0\x7f\x10\x00OB\x00\x00" + _UNDEFINED + _ITEM
MAX_ITEMS = 500  # a slice's header has some dozens


def is_plain(data: bytes) -> bool:
    """Tell whether there are too few items for harm, and every sequence is closed."""
    if data.count(_ITEM) + data.count(_BIG_ENDIAN_ITEM) > MAX_ITEMS:
        return False
    opened = data.count(_UNDEFINED + _ITEM) - data.count(_PIXELS)
    is_closed = opened <= data.count(_SEQUENCE_END)
    return is_closed and data.count(_ITEM + _UNDEFINED) == data.count(_ITEM_END)
