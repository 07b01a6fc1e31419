"""Seeds, mutators and readers of records: saved networks, catalogs, folders of Hugging Face, labels."""

import csv
import hashlib
import io
import json
import sys
import tempfile
import tomllib
from pathlib import Path
from random import Random

from benchmarks.fuzz import packages, weights
from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.mutations import mutate_bytes
from benchmarks.fuzz.values import mutate_json, mutate_rows, mutate_value, to_csv, to_toml


def _files_of(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def saved() -> list[Files]:
    """Small networks as `Network.save` writes them: of sound and of pictures, with heads of several kinds."""
    import torch

    import zoo

    torch.manual_seed(0)
    files = []
    for name, head in (("crepe.tiny", {}), ("squeezenet", {"kind": "kernel", "vectors": 4})):
        net = zoo.load(name, weights=None, device="cpu", engine="torch").replace_head(["ant", "bee"], **head)
        with tempfile.TemporaryDirectory() as folder:
            files.append(_files_of(net.save(Path(folder) / "net")))
    return files


def mutate_saved(files: Files, random: Random) -> Files:
    """Other JSON, or other tensors whose hash the record states."""
    files = dict(files)
    records = [name for name in files if name.endswith(".json")]
    if random.random() < 0.85:
        name = random.choice(records)
        files[name] = mutate_json(files[name], random)
        return files
    name = next(name for name in files if name.endswith(".safetensors"))
    old = hashlib.sha256(files[name]).hexdigest().encode()
    files[name] = packages.safetensors(files[name], random)
    new = hashlib.sha256(files[name]).hexdigest().encode()
    return {key: value.replace(old, new) if key in records else value for key, value in files.items()}


def read_saved(path: Path) -> None:
    """Describe, build and load."""
    import zoo

    zoo.describe(str(path)).to_dict()
    zoo.load(str(path), device="cpu", engine="torch")


_ARCHS = ("defaults", "squeezenet", "alexnet")


def catalog() -> list[Files]:
    """Return some archs of the image catalog."""
    text = (
        Path(sys.modules["benchmarks.fuzz"].__file__)
        .parents[2]
        .joinpath("vision/catalog.toml")
        .read_text("utf-8")
    )
    tables = tomllib.loads(text)
    return [{"catalog.toml": to_toml({key: tables[key] for key in _ARCHS if key in tables}).encode()}]


def mutate_catalog(files: Files, random: Random) -> Files:
    return {
        "catalog.toml": to_toml(
            mutate_value(tomllib.loads(files["catalog.toml"].decode()), random) or {}
        ).encode()
    }


def read_catalog(path: Path) -> None:
    from zoo.hub.registry import parse_catalog

    for spec in parse_catalog(path.read_text("utf-8", errors="replace"), "image")[0].values():
        spec.to_dict()


def hugging_face() -> list[Files]:
    """Tiny networks of transformers with their processors, of pictures and sound, in files of all kinds."""
    import torch
    from transformers import (
        ASTConfig,
        ASTFeatureExtractor,
        ASTForAudioClassification,
        ViTConfig,
        ViTForImageClassification,
        ViTImageProcessor,
    )

    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    labels = {"id2label": {0: "ant", 1: "bee"}, "label2id": {"ant": 0, "bee": 1}}
    files = []
    for model, processor in (
        (
            ViTForImageClassification(ViTConfig(**sizes, **labels, image_size=16, patch_size=8)),
            ViTImageProcessor(size={"height": 16, "width": 16}),
        ),
        (
            ASTForAudioClassification(ASTConfig(**sizes, **labels, max_length=32, num_mel_bins=16)),
            ASTFeatureExtractor(num_mel_bins=16, max_length=32),
        ),
    ):
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            processor.save_pretrained(folder)
            Path(folder, "README.md").write_text("---\nlicense: mit\n---\nSeed.\n")
            files.append(_files_of(Path(folder)))
    return [*files, *_in_other_files(files[0])]


def _in_other_files(files: Files) -> list[Files]:
    """Write the same network as a PyTorch file, and as one that an index names."""
    import torch
    from safetensors.torch import load

    files = dict(files)
    content = files.pop("model.safetensors")
    state, stream = load(content), io.BytesIO()
    torch.save(state, stream)
    index = {"metadata": {}, "weight_map": dict.fromkeys(state, "part.safetensors")}
    return [
        {**files, "pytorch_model.bin": stream.getvalue()},
        {**files, "part.safetensors": content, "model.safetensors.index.json": json.dumps(index).encode()},
    ]


def mutate_hugging_face(files: Files, random: Random) -> Files:
    files = dict(files)
    name = random.choice([name for name in sorted(files) if name != "README.md"])
    if name.endswith(".json"):
        files[name] = mutate_json(files[name], random)
    elif name.endswith(".bin"):
        files[name] = weights.mutate_archive_of_torch({weights.FILE: files[name]}, random)[weights.FILE]
    else:
        files[name] = packages.safetensors(files[name], random)
    if random.random() < 0.1:
        config = json.loads(files["config.json"]) if name != "config.json" else {}
        code = {
            "AutoConfig": "evil.Config",
            "AutoModel": "evil.Model",
            "AutoModelForImageClassification": "evil.Model",
        }
        files["config.json"] = json.dumps({**config, "auto_map": code}).encode()
        files["evil.py"] = b"raise SystemExit('ran')\n"
    if random.random() < 0.1:
        card = files["README.md"]
        files["README.md"] = random.choice(
            (mutate_bytes(card, card, random)[0], b"---\n!!python/object/apply:os.system [ls]\n---")
        )
    return files


def read_hugging_face(path: Path) -> None:
    import zoo

    zoo.describe(f"hf:{path}").to_dict()
    zoo.load(f"hf:{path}", device="cpu", engine="torch")


_LABELS = [
    ["index", "id", "label", "synonyms"],
    ["0", "n01", "ant", "ant, emmet"],
    ["1", "n02", "bee", "bee"],
]


def labels() -> list[Files]:
    text = io.StringIO()
    csv.writer(text).writerows(_LABELS)
    return [{"classes/labels.csv": text.getvalue().encode()}]


def mutate_labels(files: Files, random: Random) -> Files:
    return {"classes/labels.csv": to_csv(mutate_rows(_LABELS, random), random)}


def read_labels(path: Path) -> None:
    """Read the labels of a network."""
    from zoo.core.labels import read

    read(str(path))
