"""ONNX files for tests: networks with random weights, and graphs that are made by hand."""

import warnings
from pathlib import Path

import onnx
import torch
from onnx import helper
from torch import nn

SIDE = 96


def random_network(name: str) -> nn.Module:
    """Return one of timm's small networks of a family, with random weights and statistics."""
    import timm

    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        size = {"img_size": SIDE} if "vit" in name else {}
        module = timm.create_model(name, num_classes=10, **size).eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.copy_(torch.randn(layer.num_features, generator=generator) / 10)
            layer.running_var.copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
    for parameter in module.parameters():  # some heads begin with zeros
        if not parameter.detach().any():
            parameter.data.normal_(std=0.1, generator=generator)
    return module


def write(module: nn.Module, path: Path, *, newer: bool = False, rows: int = 2) -> Path:
    """Export a module with one of PyTorch's exporters; one row means a batch of one forever."""
    example = torch.rand(rows, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if newer:
            dynamic = ({0: torch.export.Dim("n")},) if rows > 1 else None
            torch.onnx.export(
                module,
                (example,),
                path,
                dynamo=True,
                dynamic_shapes=dynamic,
                external_data=False,
                verbose=False,
            )
        else:
            axes = {"dynamic_axes": {"images": {0: "n"}}} if rows > 1 else {}
            torch.onnx.export(module, (example,), str(path), dynamo=False, input_names=["images"], **axes)
    return path


def write_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    tensors: list[onnx.TensorProto],
    *,
    domains: tuple[str, ...] = ("",),
) -> Path:
    """Write a graph that takes `images` of 3 × 8 × 8 and gives `scores`."""
    shape = ["n", 3, 8, 8]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("scores")],
        tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(d, 17) for d in domains], ir_version=9
    )
    path.write_bytes(model.SerializeToString())
    return path
