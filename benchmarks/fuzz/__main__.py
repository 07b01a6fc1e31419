"""Command line: ``python -m benchmarks.fuzz --minutes 10 --seed 1``."""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fuzz.cases import FINDINGS, Format, Tally, keep
from benchmarks.fuzz.formats import FORMATS
from benchmarks.fuzz.workers import outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and print a table; 1 where something was found."""
    options = _parser().parse_args(arguments)
    formats, only = [FORMATS[name] for name in options.only or FORMATS], None
    if options.case:
        name, _, number = options.case.partition(":")
        formats, only = [FORMATS[name]], int(number)
    lanes = min(options.workers, len(formats))
    seconds = options.minutes * 60 * lanes / len(formats)
    with tempfile.TemporaryDirectory(prefix="zoo-fuzz-") as work, ThreadPoolExecutor(lanes) as pool:

        def run(format: Format) -> Tally:
            cases = iter([only]) if only is not None else _numbers(options.cases, seconds)
            return fuzz(format, options.seed, cases, Path(work) / format.name, options.keep)

        tallies = []
        for tally in pool.map(run, formats):
            tallies.append(tally)
            if only is None:
                print(
                    f"{len(tallies)}/{len(formats)} {tally.format}: {sum(tally.counts.values())} cases",
                    file=sys.stderr,
                )
    print(table(tallies, options.seed))
    return int(any(tally.findings for tally in tallies))


def fuzz(format: Format, seed: int, cases: Iterator[int], work: Path, reproducers: Path) -> Tally:
    """Read cases of one format; the first of every kind of finding is kept as a reproducer."""
    tally = Tally(format.name)
    for case, outcome in outcomes(format, seed, cases, work):
        if tally.add(case, outcome):
            place = keep(reproducers, format.name, seed, case, work / "case", outcome)
            print(f"{format.name}:{case} {outcome.kind}, {outcome.error} ({place})", file=sys.stderr)
    return tally


def table(tallies: list[Tally], seed: int) -> str:
    """Print the results by format, and each kind of finding with the first case that showed it."""
    kinds = ("accepted", "refused", *FINDINGS)
    lines = [
        f"{'format':<16}{'cases':>7}"
        + "".join(f"{kind:>9}" for kind in kinds)
        + f"{'slowest':>10}{'growth':>10}"
    ]
    for tally in tallies:
        counts = "".join(f"{tally.counts.get(kind, 0):>9}" for kind in kinds)
        figures = f"{tally.slowest:>8.2f} s{tally.growth / 1e6:>7.0f} MB"
        lines.append(f"{tally.format:<16}{sum(tally.counts.values()):>7}{counts}{figures}")
    total = [sum(tally.counts.get(kind, 0) for tally in tallies) for kind in kinds]
    lines.append(f"{'all':<16}{sum(total):>7}" + "".join(f"{count:>9}" for count in total))
    for tally in tallies:
        for case, outcome, times in tally.findings.values():
            where = f" at {outcome.trace[-1]}" if outcome.trace else ""
            lines.append(f"{tally.format}:{case} ({times} times) {outcome.kind}, {outcome.error}{where}")
    return "\n".join([f"seed {seed}", *lines])


def _numbers(max_cases: int | None, seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    for case in itertools.count():
        if case == max_cases or time.monotonic() > end:
            return
        yield case


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for all formats together (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--only", nargs="+", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("--cases", type=int, help="at most so many of each format")
    parser.add_argument("--case", metavar="FORMAT:NUMBER", help="read one case again")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="folder of the reproducers")
    parser.add_argument(
        "--workers", type=int, default=len(os.sched_getaffinity(0)), help="formats read at once"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
