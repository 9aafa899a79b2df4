"""How a check inside this room says no.

Comes in: a reason and a detail without identity.
Goes out: an exception that `load_volume` turns into a `Rejection`.
Refuses: nothing.
"""

from screening.reasons import Reason


class RefusalError(Exception):
    """The series cannot be measured, for `reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail
