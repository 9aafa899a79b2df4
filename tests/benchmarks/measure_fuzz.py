"""What becomes of damaged and hostile files.

    python tests/benchmarks/measure_fuzz.py [MUTANTS [FIRST]]

Writes infra/fuzz-measured.md. Some 15 minutes on 2 cores for the 20,000 that are its default.
"""

import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "support"))

from fuzzing import Outcome, fuzz  # noqa: E402 - beside the tests


def report(found: Outcome, n: int, first: int, seconds: float) -> str:
    """Write the page."""
    lines = [
        "# What becomes of damaged and hostile files",
        "",
        "Written by `python tests/benchmarks/measure_fuzz.py`. Valid files of every encoding, each",
        "changed once to four times: bytes, lengths, counts, texts, sequences in sequences, pieces",
        "taken out, put in, exchanged between files.",
        "",
        f"{n:,} mutants from number {first:,}: {len(found.crashes)} ended the process, "
        f"{len(found.hangs)} took over 10 s, {len(found.errors)} were lost. "
        f"The slowest took {found.slowest[0]:.1f} s; all together {seconds / 60:.0f} minutes.",
        "",
        "| in the crawl | mutants |",
        "|---|---|",
        *(f"| `{name}` | {count:,} |" for name, count in found.crawled.most_common()),
        "",
        "| of the instances, when loaded | mutants |",
        "|---|---|",
        *(
            f"| `{name}` | {count:,} |"
            for name, count in found.loaded.most_common()
            if " " not in name
        ),
    ]
    for name, numbers in (("crashes", found.crashes), ("hangs", found.hangs)):
        if numbers:
            lines += ["", f"{name}: {', '.join(map(str, numbers))}"]
    lines += [f"\n{number}: {text}" for number, text in sorted(found.errors.items())]
    return "\n".join(lines) + "\n"


def main(n: int, first: int) -> None:
    """Measure, write and print."""
    begun = time.monotonic()
    found = fuzz(first, n, len(os.sched_getaffinity(0)))
    text = report(found, n, first, time.monotonic() - begun)
    (HERE.parents[2] / "infra" / "fuzz-measured.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:3]]
    main(given[0] if given else 20_000, given[1] if len(given) > 1 else 0)
