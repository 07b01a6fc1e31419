"""A batch folder of vectors that are made here, without a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.zoo.results.provenances import PROVENANCE
from zoo.batches.folder import BatchFolder, open_batch
from zoo.batches.manifest import read_manifest, updated, write_manifest
from zoo.batches.parts import PartWriter, part_path
from zoo.batches.provenance import describe_part
from zoo.batches.rows import task_schema
from zoo.batches.settings import NetworkSettings, Settings, write_settings
from zoo.batches.sources import state_of
from zoo.results.provenance import Provenance

SHARD_FILES = 64
OPTIONS: dict[str, Any] = {"layer": None, "pool": None, "overlap": None}


def make_folder(
    out: Path,
    vectors: np.ndarray,
    *,
    windows: int = 1,
    failed: Sequence[int] = (),
    labels: Sequence[str] = (),
    paths: Sequence[str] = (),
    record: Provenance = PROVENANCE,
) -> BatchFolder:
    """Write a folder with a file for every `windows` vectors: an image if that is 1, else a recording."""
    settings = Settings(
        task="embed",
        modality="image" if windows == 1 else "audio",
        options=OPTIONS,
        engine="auto",
        networks=(NetworkSettings(record.network, "00", {}),),
        shard_files=SHARD_FILES,
    )
    (out / record.network).mkdir(parents=True)
    files = len(vectors) // windows
    names = list(paths) or [f"file-{i}" for i in range(files)]
    size, modified = zip(*map(state_of, names), strict=True)
    columns = {"path": names, "size": size, "modified": modified}
    listing = pa.table(columns | ({"label": list(labels)} if labels else {}))
    manifest, _ = updated(read_manifest(out), listing, SHARD_FILES)
    write_settings(out, settings)
    write_manifest(out, manifest)
    for shard in manifest.shards(SHARD_FILES):
        own = {
            file.number: vectors[file.number * windows : (file.number + 1) * windows]
            for file in manifest.files(int(shard), SHARD_FILES)
        }
        write_part(out, int(shard), own, failed=failed, paths=paths, record=record)
    return open_batch(out)


def write_part(
    out: Path,
    shard: int,
    vectors: Mapping[int, np.ndarray],
    *,
    failed: Sequence[int] = (),
    paths: Sequence[str] = (),
    record: Provenance = PROVENANCE,
) -> None:
    """Write a part with the vectors of files by their numbers."""
    windows, width = next(iter(vectors.values())).shape
    schema = task_schema("embed", "image" if windows == 1 else "audio", width)
    rows = []
    for number, own in vectors.items():
        path = paths[number] if paths else f"file-{number}"
        file = {"number": number, "path": path, "sha256": f"{number:064x}", "error": None}
        if number in failed:
            rows.append(file | {"error": "It is damaged."})
        else:
            times = [{"start": float(i), "end": i + 1.0} if windows > 1 else {} for i in range(windows)]
            rows += [file | time | {"vector": vector} for vector, time in zip(own, times, strict=True)]
    with PartWriter(part_path(out / record.network, shard), schema, describe_part(record)) as part:
        part.add(pa.RecordBatch.from_pylist(rows, schema))


def clustered(count: int, width: int = 32, clusters: int = 40) -> np.ndarray:
    """Vectors around some centers, as those of networks are."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((clusters, width))
    vectors = centers[random.integers(clusters, size=count)] + 0.6 * random.standard_normal((count, width))
    return (10 * vectors).astype(np.float32)
