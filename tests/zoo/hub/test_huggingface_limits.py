"""Folders of transformers whose files ask for other files, or for years, are refused before they are read."""

import json
import os

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

import zoo
from tests.zoo.formats.test_hostile_weights import HOSTILE, archive
from zoo import formats
from zoo.core.errors import UnknownNameError, WeightsError
from zoo.hub import huggingface_limits

SHARD = "part.safetensors"
INDEX = "model.safetensors.index.json"
BIN_INDEX = "pytorch_model.bin.index.json"


def vit(folder, shard_size="1GB"):
    """A folder with a tiny network; its tensors by their names."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = ViTForImageClassification(ViTConfig(**sizes, image_size=16, patch_size=8))
    model.save_pretrained(folder, max_shard_size=shard_size)
    ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def sharded(folder, shard, index=INDEX):
    """A folder whose index says that all tensors are in one file."""
    tensors = vit(folder)
    (folder / "model.safetensors").rename(folder / SHARD)
    content = {"metadata": {}, "weight_map": dict.fromkeys(tensors, shard)}
    (folder / index).write_text(json.dumps(content))
    return tensors


def assert_holds(folder, tensors):
    read_tensors = formats.read(folder, "transformers")
    assert read_tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read_tensors[name], tensor)


def test_files_of_pytorch_are_read(tmp_path):
    tensors = vit(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    state = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    torch.save(state, tmp_path / "pytorch_model.bin")
    assert_holds(tmp_path, tensors)
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "part.bin")
    content = {"metadata": {}, "weight_map": dict.fromkeys(tensors, "part.bin")}
    (tmp_path / BIN_INDEX).write_text(json.dumps(content))
    assert_holds(tmp_path, tensors)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "part.bin"])
def test_hostile_pickles_are_refused_before_they_run(name, tmp_path):
    sharded(tmp_path, name, BIN_INDEX)
    (tmp_path / name).write_bytes(archive(b"\x80\x02" + HOSTILE["a key that is hashed 2^60 times"]))
    with pytest.raises(WeightsError, match="no complete network of transformers"):
        formats.read(tmp_path, "transformers")


@pytest.mark.parametrize("shard", ["../out/x.safetensors", "/x.safetensors", "link", "fifo", "..", "", 7])
@pytest.mark.parametrize("index", [INDEX, BIN_INDEX])
def test_an_index_names_only_files_of_its_folder(shard, index, tmp_path):
    outside = tmp_path / "out" / "x.safetensors"
    vit(outside.parent)
    (outside.parent / "model.safetensors").rename(outside)
    sharded(tmp_path / "net", str(outside) if shard == "/x.safetensors" else shard, index)
    (tmp_path / "net" / "link").symlink_to(outside)
    os.mkfifo(tmp_path / "net" / "fifo")
    with pytest.raises(WeightsError, match="only files of this folder"):
        formats.read(tmp_path / "net", "transformers")


def test_the_links_of_huggingface_hubs_cache_are_followed(tmp_path):
    snapshot = tmp_path / "models--someone--something" / "snapshots" / "0123"
    blobs = snapshot.parents[1] / "blobs"
    tensors = vit(snapshot, shard_size="2KB")
    blobs.mkdir()
    shards = list(snapshot.glob("*.safetensors"))
    assert len(shards) > 1
    for shard in shards:
        shard.rename(blobs / f"{shard.name}-hash")
        shard.symlink_to(f"../../blobs/{shard.name}-hash")
    assert_holds(snapshot, tensors)


def test_an_index_is_of_limited_size(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_limits, "MAX_FILE_BYTES", 4000)
    sharded(tmp_path, SHARD)
    (tmp_path / INDEX).write_text(" " * 5000)
    with pytest.raises(UnknownNameError, match=INDEX):
        zoo.describe(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"model_type": "timm_wrapper", "architecture": "resnet18"}, "use timm:NAME"),
        ({"model_type": "timm_wrapper", "model_args": {"checkpoint_path": "/x.pth"}}, "use timm:NAME"),
        ({"model_type": "clip", "vision_config": {"model_type": "timm_wrapper"}}, "use timm:NAME"),
        ({"model_type": "detr", "backbone_config": {"model_type": "timm_backbone"}}, "use timm:NAME"),
        ({"model_type": "detr", "backbone": "someone/something"}, "loads other files"),
        ({"model_type": "detr", "use_pretrained_backbone": True}, "loads other files"),
        ({"model_type": "vit", "transformers_weights": "x.safetensors.index.json"}, "loads other files"),
        ({"model_type": "vit", "configuration_files": {"config.1.0.json": 0}}, "loads other files"),
        ({"model_type": "vit", "attn_implementation": "someone/kernel"}, "loads other files"),
        ({"model_type": "vit", "attn_implementation": {"": "someone/kernel"}}, "loads other files"),
    ],
)
def test_a_network_that_is_made_from_other_files_is_refused(fields, match, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(fields))
    with pytest.raises(UnknownNameError, match=match):
        zoo.describe(f"hf:{tmp_path}")


def test_classes_may_have_the_names_of_fields(tmp_path):
    vit(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"id2label": {"0": "none", "1": "backbone"}, "label2id": {"none": 0, "backbone": 1}}
    (tmp_path / "config.json").write_text(json.dumps(config | {"attn_implementation": "eager"}))
    assert zoo.describe(f"hf:{tmp_path}").classes == 2
