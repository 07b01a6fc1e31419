"""What is fuzzed: a format, its case files, and the outcome of reading one case."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from benchmarks.fuzz.mutations import mutate_bytes

Files = dict[str, bytes]
"""The files of a case by their path in its folder."""

FINDINGS = ("untyped", "hang", "growth", "crash")


@dataclass(frozen=True)
class Format:
    """A reader, what to feed it, and how to mutate that.

    Attributes
    ----------
    name : str
    seeds : callable
        Makes valid cases; everything in them is deterministic where the writing library allows.
    read : callable
        The reader under test; gets the path of `entry`.
    entry : str
        Path in the case folder that the reader gets; empty for the folder itself.
    structured : callable, optional
        ``(files, random) -> files``: mutates parsed content and writes it back with valid checksums.
    whole : bool
        Whether bytes may be mutated blindly too.
    """

    name: str
    seeds: Callable[[], list[Files]]
    read: Callable[[Path], object]
    entry: str
    structured: Callable[[Files, Random], Files] | None = None
    whole: bool = True


@dataclass(frozen=True)
class Outcome:
    """What reading one case led to.

    Attributes
    ----------
    kind : str
        ``"accepted"``, ``"refused"`` (a `ZooError`), or one of `FINDINGS`.
    seconds : float
        Of computing time, with that of child processes.
    growth : int
        Bytes of resident memory above those before the case, at their peak.
    error : str
        The error in one line.
    trace : tuple of str
        Frames, outermost first.
    """

    kind: str
    seconds: float
    growth: int
    error: str = ""
    trace: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """Findings with the same signature have the same cause, most likely."""
        return f"{self.kind} {self.error.partition(':')[0]} {self.trace[-1] if self.trace else ''}"


@dataclass
class Tally:
    """Counts of one format."""

    format: str
    counts: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    growth: int = 0
    findings: dict[str, tuple[int, Outcome, int]] = field(default_factory=dict)

    def add(self, case: int, outcome: Outcome) -> bool:
        """Count a case; True for a finding that was not seen before."""
        self.counts[outcome.kind] = self.counts.get(outcome.kind, 0) + 1
        self.slowest = max(self.slowest, outcome.seconds)
        self.growth = max(self.growth, outcome.growth)
        if outcome.kind not in FINDINGS:
            return False
        first, example, times = self.findings.get(outcome.signature, (case, outcome, 0))
        self.findings[outcome.signature] = (first, example, times + 1)
        return times == 0


def make_case(format: Format, seeds: list[Files], seed: int, case: int) -> tuple[Files, list[str]]:
    """Return the files of a case, and how they were made."""
    random = Random(f"{seed}/{format.name}/{case}")
    index = random.randrange(len(seeds))
    files, steps = dict(seeds[index]), [f"seed file {index}"]
    structured = format.structured is not None and (not format.whole or random.random() < 0.65)
    if structured:
        try:
            files = format.structured(files, random)
            steps.append("structure")
        except Exception as error:  # a library refuses to write what the mutator wants
            steps.append(f"structure not written: {type(error).__name__}")
            structured = False
    if format.whole and (not structured or random.random() < 0.15):
        name = random.choice(sorted(files))
        other = random.choice(seeds).get(name, files[name])
        files[name], used = mutate_bytes(files[name], other, random)
        steps += [f"{name}: {step}" for step in used]
    return files, steps


def write_files(files: Files, folder: Path) -> None:
    """Write the files of a case."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def keep(folder: Path, format: str, seed: int, case: int, files: Path, outcome: Outcome) -> Path:
    """Keep a reproducer: the case's files, and how they were made and what they led to."""
    digest = hashlib.sha256(outcome.signature.encode()).hexdigest()[:8]
    target = folder / f"{format}-{case}-{digest}"
    shutil.rmtree(target, ignore_errors=True)
    if files.is_dir():  # the process may crash before
        shutil.copytree(files, target)
    target.mkdir(parents=True, exist_ok=True)
    record = {"format": format, "seed": seed, "case": case, **asdict(outcome)}
    (target / "outcome.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    return target
