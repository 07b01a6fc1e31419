"""Exported programs of PyTorch, and changes of their graphs."""

import io
import tempfile
import zipfile
from pathlib import Path
from random import Random

from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.mutations import mutate_bytes

FILE = "net.pt2"
_WORDS = (
    b"relu",
    b"conv2d",
    b"flatten",
    b"as_int",
    b"as_tensor",
    b"linear",
    b"sizes",
    b"name",
    b"false",
    b"1",
)


def exported() -> list[Files]:
    """Small networks with a batch of any size, and of one."""
    import torch
    from torch import nn

    module = nn.Sequential(
        nn.Conv2d(3, 2, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)
    )
    made = []
    for rows in (1, 2):
        dynamic = ({0: torch.export.Dim("n")},) if rows > 1 else None
        example = (torch.zeros(rows, 3, 8, 8),)
        program = torch.export.export(module.eval(), example, dynamic_shapes=dynamic)
        with tempfile.TemporaryDirectory() as folder:
            torch.export.save(program, Path(folder) / FILE)
            made.append({FILE: (Path(folder) / FILE).read_bytes()})
    return made


def mutate_graph(content: bytes, random: Random) -> bytes:
    """Change one of the archive's files: a word or number of the graph's text, or bytes of any file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(stream, "w") as archive:
        names = before.namelist()
        graph = next(name for name in names if "/models/" in name)
        changed = graph if random.random() < 0.7 else random.choice(names)
        for name in names:
            data = before.read(name)
            if name == changed:
                data = (
                    _reworded(data, random) if name.endswith(".json") else mutate_bytes(data, data, random)[0]
                )
            archive.writestr(name, data)
    return stream.getvalue()


def _reworded(text: bytes, random: Random) -> bytes:
    """Put another word, or a large number, in one place of a text."""
    one, other = random.sample(_WORDS, 2)
    places = text.count(one)
    if not places:
        return mutate_bytes(text, text, random)[0]
    parts = text.split(one)
    at = random.randrange(1, len(parts))
    other = random.choice((other, b"-1", b"99999999999", b"null"))
    return one.join(parts[:at]) + other + one.join(parts[at:])
