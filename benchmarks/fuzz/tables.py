"""Seeds, mutators and readers of tables of examples: CSV, Parquet, and data sets of Hugging Face."""

import csv
import io
import json
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.examples import PICTURES, folder, picture, silent
from benchmarks.fuzz.values import NUMBERS, STRINGS, mutate_rows, mutate_value, to_csv

_ROWS = [
    ["file", "label", "group", "split"],
    *([name, name.partition("/")[0], str(i % 3), "train"] for i, name in enumerate(PICTURES)),
]


def manifest() -> list[Files]:
    text = io.StringIO()
    csv.writer(text).writerows(_ROWS)
    return [{**folder()[0], "table.csv": text.getvalue().encode()}]


def mutate_manifest(files: Files, random: Random) -> Files:
    rows = list(csv.reader(io.StringIO(files["table.csv"].decode())))
    return {**files, "table.csv": to_csv(mutate_rows(rows, random), random)}


def _parquet(table: Any, **options: Any) -> bytes:
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def parquet_manifest() -> list[Files]:
    import pyarrow as pa

    columns = dict(zip(_ROWS[0], map(list, zip(*_ROWS[1:], strict=True)), strict=True))
    options = (
        {"compression": "none"},
        {"compression": "zstd", "write_page_checksum": True},
        {"use_dictionary": False},
    )
    return [{**folder()[0], "table.parquet": _parquet(pa.table(columns), **option)} for option in options]


def mutate_parquet_manifest(files: Files, random: Random) -> Files:
    """Columns of other types and values."""
    import pyarrow as pa

    columns = dict(zip(_ROWS[0], map(list, zip(*_ROWS[1:], strict=True)), strict=True))
    return {**files, "table.parquet": _parquet(pa.table(_odd_columns(columns, random)))}


def _odd_columns(columns: dict[str, list[Any]], random: Random) -> dict[str, Any]:
    import pyarrow as pa

    columns = dict(columns)
    name = random.choice(sorted(columns))
    count = len(columns[name])
    whole = [number for number in NUMBERS if isinstance(number, int) and abs(number) < 2**62]
    odd = random.choice(
        (
            lambda: pa.array([random.choice(whole) for _ in range(count)]),
            lambda: pa.array([random.choice((None, 1.5, float("nan"))) for _ in range(count)]),
            lambda: pa.array([[{"a": 1}] * i for i in range(count)]),
            lambda: pa.array(
                [{"bytes": b"x", "path": random.choice(("../x", "\0", None))} for _ in range(count)]
            ),
            lambda: pa.array([random.choice((b"\xff\xfe", b"")) for _ in range(count)]),
            lambda: pa.array(
                [random.choice(STRINGS).encode("utf-8", "replace").decode() for _ in range(count)]
            ),
            lambda: pa.nulls(count),
            lambda: pa.array([2**62] * count, pa.timestamp("ns")),
            lambda: pa.array([-(2**62)] * count, pa.timestamp("s")),
            lambda: pa.array(["ant"] * count).dictionary_encode(),
            lambda: pa.array([10**9] * count, pa.duration("us")),
            lambda: pa.array([[i] * 1000 for i in range(count)], pa.list_(pa.int8())),
        )
    )
    if random.random() < 0.2:
        columns.pop(name)
    else:
        columns[name] = odd()
    return columns


def _hub_columns() -> dict[str, list[Any]]:
    images = [{"bytes": picture(i), "path": f"{i}.png"} for i in range(6)]
    return {"image": images, "label": [0, 0, 0, 1, 1, 1], "group": list("abcabc")}


_FEATURES = {
    "info": {
        "features": {
            "image": {"_type": "Image"},
            "label": {"_type": "ClassLabel", "names": ["ant", "bee"]},
            "group": {"_type": "Value", "dtype": "string"},
        }
    }
}


def _hub_table(columns: dict[str, Any], features: Any, **options: Any) -> bytes:
    import pyarrow as pa

    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(features)})
    return _parquet(table, **options)


def hub() -> list[Files]:
    options = ({"compression": "none"}, {"write_page_checksum": True}, {"row_group_size": 2})
    return [{"data/train.parquet": _hub_table(_hub_columns(), _FEATURES, **option)} for option in options]


def mutate_hub(files: Files, random: Random) -> Files:
    columns, features = _hub_columns(), _FEATURES
    if random.random() < 0.5:
        features = mutate_value(features, random)
    if random.random() < 0.6:
        columns = _odd_columns(columns, random)
    if random.random() < 0.2:
        name = random.choice(
            ("data/train-00000-of-00002.parquet", "a/train/0000.parquet", "test.parquet", "\udcff.parquet")
        )
        files = {**files, name: _hub_table(columns, features)}
        return files
    return {"data/train.parquet": _hub_table(columns, features)}


def read_hub(path: Path) -> None:
    import zoo

    zoo.dataset(f"hf:{path}", group="group", cache=path.with_name("cache"), progress=silent)
