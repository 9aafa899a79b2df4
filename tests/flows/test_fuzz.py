"""Damaged and hostile files: none ends its process or takes long, every one is accounted for.

`python tests/benchmarks/measure_fuzz.py 20000` works more.
"""

import os

from fuzzing import LIMIT_SECONDS, fuzz

MUTANTS = 2000
ONCE_LOST = (16724,)  # of 20,000: a frame whose pieces end too soon


def test_no_mutant_crashes_hangs_or_gets_lost() -> None:
    found = fuzz(0, MUTANTS, len(os.sched_getaffinity(0)))
    assert (found.crashes, found.hangs, found.errors) == ([], [], {})
    assert found.n == MUTANTS
    assert found.slowest[0] < LIMIT_SECONDS
    for number in ONCE_LOST:
        assert fuzz(number, 1).loaded["decode_failed"] == 1
    # They are worth their name: some are still good, some fail here, some there.
    crawled = [found.crawled[reason] for reason in ("instance", "unreadable", "truncated_file")]
    loaded = [found.loaded[reason] for reason in ("volume", "decode_failed", "not_hu")]
    assert min(crawled) > MUTANTS / 50
    assert min(loaded) > MUTANTS / 200
