"""Keys of stacks that share one SeriesInstanceUID.

Comes in: the vault's key of a UID, and what sets a stack apart. Goes out: the stack's own key, and
the vault's key again.
Refuses: nothing.
"""

_MARK = "+"  # in no key of the vault


def part_key(series_key: str, tag: str) -> str:
    """Return the key of a stack; that of the first is the vault's own."""
    return f"{series_key}{_MARK}{tag}" if tag else series_key


def key_of_uid(series_key: str) -> str:
    """Return the vault's key of the UID a stack lies under."""
    return series_key.partition(_MARK)[0]


def tag_of(series_key: str) -> str:
    """Return what sets a stack apart; empty of the first."""
    return series_key.partition(_MARK)[2]
