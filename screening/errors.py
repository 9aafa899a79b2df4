"""Errors a user can act on.

Comes in: nothing. Goes out: the two exceptions every room may raise.
Refuses: nothing.

    ScreeningError          one line for the user, exit code 2, no traceback
    └── InfrastructureError the archive, disk or network failed: try again, never blame the data
"""


class ScreeningError(Exception):
    """What is wrong, where, and what to do, in one line without identity."""


class InfrastructureError(ScreeningError):
    """The surroundings failed (unreachable, disk full): the work stays pending."""
