"""Asking a server again that does not answer.

Comes in: a question, and which of its errors may pass.
Goes out: the answer.
Refuses: what still fails when patience is at an end. A server that has just been given up is
asked once only, until it answers again, so that an outage does not cost every scan its patience.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 8.0
_given_up: set[str] = set()  # servers, in this process


def ask(
    server: str,
    question: Callable[[], Result],
    may_pass: Callable[[BaseException], bool],
    patience_seconds: float,
) -> Result:
    """Ask until there is an answer, an error that will not pass, or no patience left."""
    end = time.monotonic() + (0.0 if server in _given_up else patience_seconds)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            answer = question()
        except Exception as error:
            if not may_pass(error):
                raise
            if time.monotonic() + pause > end:
                _given_up.add(server)
                raise
        else:
            _given_up.discard(server)
            return answer
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
