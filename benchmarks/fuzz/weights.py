"""Seeds of weight files, and mutators for those with a structure of their own."""

import io
import os
import pickle
import shutil
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz import packages
from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.mutations import mutate_bytes
from benchmarks.fuzz.values import NUMBERS, STRINGS

FILE = "weights"
_KERNEL = np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1)
_BIAS = np.arange(4, dtype=np.float32)


def safetensors() -> list[Files]:
    from safetensors.numpy import save

    arrays = {
        "conv.weight": _KERNEL,
        "conv.bias": _BIAS,
        "half": _BIAS.astype(np.float16),
        "steps": np.array(3),
    }
    return [{FILE: save(arrays)}, {FILE: save({"x": _BIAS}, {"format": "pt"})}]


def onnx_graphs() -> list[Files]:
    """Small networks as graphs, with computed shapes, a condition, and an operator that has no layer."""
    import onnx
    from onnx import helper, numpy_helper

    arrays = {
        "kernel": _KERNEL.reshape(2, 3, 2, 2),
        "norm": np.ones(2, np.float32),
        "weight": _BIAS.reshape(2, 2),
        "shape": np.array([0, -1]),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "yes": np.array(True),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    branch = helper.make_graph(
        [helper.make_node("Relu", ["normal"], ["inner"])],
        "branch",
        [],
        [helper.make_empty_tensor_value_info("inner")],
    )
    made = []
    for odd in ("Sigmoid", "Hardmax"):
        nodes = [
            helper.make_node("Pad", ["images", "pads"], ["padded"], mode="reflect"),
            helper.make_node("Conv", ["padded", "kernel"], ["maps"], strides=[2, 2]),
            helper.make_node("BatchNormalization", ["maps", *["norm"] * 4], ["normal"]),
            helper.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch),
            helper.make_node(odd, ["chosen"], ["odd"]),
            helper.make_node("GlobalAveragePool", ["odd"], ["pooled"]),
            helper.make_node("Shape", ["pooled"], ["sizes"]),
            helper.make_node("ConstantOfShape", ["sizes"], ["zeros"]),
            helper.make_node("Add", ["pooled", "zeros"], ["sum"]),
            helper.make_node("Reshape", ["sum", "shape"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
        ]
        images = helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])
        scores = helper.make_empty_tensor_value_info("scores")
        graph = helper.make_graph(nodes, "graph", [images], [scores], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        made.append({FILE: model.SerializeToString()})
    return made


def torch_files(legacy: bool) -> list[Files]:
    """State dictionaries: plain, within a checkpoint, with shared storages and other types."""
    import torch

    kernel, bias = torch.from_numpy(_KERNEL), torch.from_numpy(_BIAS)
    states: list[Any] = [
        OrderedDict(weight=kernel, bias=bias),
        {"state_dict": {"weight": torch.nn.Parameter(kernel)}, "epoch": 3, "best": 0.5},
        {
            "a": kernel.permute(3, 2, 1, 0),
            "b": kernel[1:],
            "c": bias.expand(3, 4),
            "d": bias.bfloat16(),
            "e": torch.tensor(3),
        },
    ]
    files = []
    for state in states:
        stream = io.BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=not legacy)
        files.append({FILE: stream.getvalue()})
    return files


def pickles() -> list[Files]:
    arrays = {"conv": [_KERNEL, _BIAS], "steps": np.array(3), "t": np.asfortranarray(_KERNEL[..., 0])}
    return [{FILE: pickle.dumps(arrays, protocol)} for protocol in (3, 4)]


def keras() -> list[Files]:
    """HDF5 as Keras 2 and 3 lay it out, and with what HDF5 can do besides."""
    import h5py

    def old(file: Any) -> None:
        file.attrs["layer_names"] = [b"conv", b"dense"]
        for layer in ("conv", "dense"):
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/kernel:0".encode(), f"{layer}/bias:0".encode()]
            group[f"{layer}/kernel:0"], group[f"{layer}/bias:0"] = _KERNEL, _BIAS

    def new(file: Any) -> None:
        file["layers/conv2d/vars/0"], file["layers/conv2d/vars/1"] = _KERNEL, _BIAS
        file["layers/conv2d/vars"].attrs["name"] = "conv"
        file.attrs["config"] = '{"class_name": "Lambda", "module": "os", "config": {"function": "system"}}'

    def packed(file: Any) -> None:
        options = {"chunks": (2, 3, 2, 1), "compression": "gzip", "shuffle": True, "fletcher32": True}
        file.create_dataset("conv/kernel", data=_KERNEL, **options)
        file.create_dataset("conv/grown", data=_BIAS, maxshape=(None,), fillvalue=1.0)

    files = []
    for fill in (old, new, packed):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            fill(file)
        files.append({FILE: stream.getvalue()})
    return files


def onnx() -> list[Files]:
    """Write initializers of several types, their values as raw bytes and as numbers."""
    from zoo.formats.onnx import messages

    made = []
    for raw in (True, False):
        model: Any = messages()["ModelProto"]()
        for name, kind, field, array in (
            ("conv", 1, "float_data", _KERNEL), ("bias", 11, "double_data", _BIAS.astype("<f8")),
            ("shape", 7, "int64_data", np.array([-1, 4])), ("half", 10, "int32_data", _BIAS.astype("<f2")),
        ):  # fmt: skip
            tensor = model.graph.initializer.add(name=name, data_type=kind, dims=array.shape)
            if raw:
                tensor.raw_data = array.tobytes()
            elif field in ("float_data", "double_data"):
                getattr(tensor, field).append(array.tobytes())
            else:
                getattr(tensor, field).extend((array.view("<u2") if kind == 10 else array).tolist())
        made.append({FILE: model.SerializeToString()})
    return made


def tflite() -> list[Files]:
    """Write a kernel that is quantized along its first axis, and a bias by one scale."""
    import flatbuffers

    builder = flatbuffers.Builder(0)

    def vector(offsets: list[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def table(**slots: Any) -> int:
        """Slots ``o<n>`` hold offsets, ``i<n>`` and ``b<n>`` numbers of 32 and of 8 bits."""
        builder.StartObject(8)
        for slot, value in slots.items():
            kinds = {"o": "UOffsetTRelative", "i": "Int32", "b": "Int8"}
            getattr(builder, f"Prepend{kinds[slot[0]]}Slot")(int(slot[1:]), value, 0)
        return builder.EndObject()

    tensors, buffers = [], [table()]
    for name, array, scales in (("conv", _KERNEL.astype("i1"), 4), ("bias", _BIAS.astype("i1"), 1)):
        scale = builder.CreateNumpyVector(np.linspace(0.5, 2, scales, dtype=np.float32))
        zero = builder.CreateNumpyVector(np.arange(scales))
        quantization = table(o2=scale, o3=zero)
        shape = builder.CreateNumpyVector(np.array(array.shape, np.int32))
        title = builder.CreateString(name)
        tensors.append(table(o0=shape, b1=9, i2=len(buffers), o3=title, o4=quantization))
        data = builder.CreateByteVector(array.tobytes())
        buffers.append(table(o0=data))
    graph = table(o0=vector(tensors))
    model = table(i0=3, o2=vector([graph]), o4=vector(buffers))
    builder.Finish(model, b"TFL3")
    return [{FILE: bytes(builder.Output())}]


def mutate_keras(files: Files, random: Random) -> Files:
    """Make an HDF5 file with other attributes, links, and data sets larger than the file."""
    import h5py

    stream = io.BytesIO(files[FILE])
    with h5py.File(stream, "a") as file:
        places: list[str] = []
        file.visit(places.append)
        for _ in range(random.choice((1, 1, 2, 3))):
            random.choice((_attribute, _link, _large, _moved))(file, random.choice(places), random)
    return {FILE: stream.getvalue()}


def _attribute(file: Any, place: str, random: Random) -> None:
    owner = file[place] if place in file and random.random() < 0.6 else file
    names = ("layer_names", "weight_names", "layer_names0", "name", "keras_version")
    texts = [text.encode("utf-8", "replace").replace(b"\0", b"?") for text in STRINGS]
    numbers = [number for number in NUMBERS if abs(number) < 2**31]
    value = random.choice(
        (b"a", random.choice(texts), random.sample(texts, 3), random.choice(numbers), [1.0], [b"conv"] * 500)
    )
    owner.attrs[random.choice(names)] = value


def _link(file: Any, place: str, random: Random) -> None:
    import h5py

    if place in file:
        del file[place]
    links = (h5py.SoftLink("/"), h5py.SoftLink(f"/{place}"), h5py.ExternalLink("/etc/passwd", "/"))
    file[place] = random.choice(links)


def _large(file: Any, place: str, random: Random) -> None:
    """Make a data set of many values and few bytes."""
    import h5py

    if place in file:
        del file[place]
    size = random.choice((10**6, 10**9, 10**12))
    kind = random.choice(("f4", "f8", "f2", "c16", h5py.string_dtype()))
    way = random.randrange(4)
    if way == 0:
        file.create_dataset(place, (size,), kind, chunks=(1000,))
    elif way == 1:
        file.create_dataset(place, data=np.zeros(3_000_000, "f4"), chunks=(100_000,), compression="gzip")
    elif way == 2:
        file.create_dataset(place, (100,), "f4", external=[("/etc/passwd", 0, 400)])
    else:
        layout = h5py.VirtualLayout((1000, 1000), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (1000, 1000))
        file.create_virtual_dataset(place, layout)


def _moved(file: Any, place: str, random: Random) -> None:
    if place in file:
        file.move(place, random.choice(("other", f"{place}x", f"layers/{place}/vars/0")))


def caffe(unpacked: bool = False) -> list[Files]:
    from zoo.formats.caffe import messages

    files = []
    for packed in (True, False):
        net = messages(packed=packed)["NetParameter"]()
        layer = net.layer.add(name="conv", type="Convolution")
        old = net.layers.add(name="fc", type=14)
        for owner, array in ((layer, _KERNEL), (layer, _BIAS), (old, _BIAS)):
            blob = owner.blobs.add()
            blob.data.extend([array.tobytes()] if packed else array.ravel().tolist())
            if owner is layer:
                blob.shape.dim.extend(array.shape)
            else:
                blob.num, blob.channels, blob.height, blob.width = 1, 1, 1, array.size
        files.append({FILE: net.SerializeToString(deterministic=True)})
    return files


def mean() -> list[Files]:
    from zoo.formats.caffe import messages

    blob = messages()["BlobProto"](
        num=1, channels=3, height=2, width=2, data=[np.arange(12, dtype="<f4").tobytes()]
    )
    return [{FILE: blob.SerializeToString(deterministic=True)}]


def darknet() -> list[Files]:
    heads = [np.array([0, minor, 0], "<i4").tobytes() + bytes(8 if minor > 1 else 4) for minor in (1, 2)]
    return [{FILE: head + _KERNEL.tobytes()} for head in heads]


def checkpoint() -> list[Files]:
    """TensorFlow's files of version 1 and 2."""
    return _written_by_tensorflow("checkpoint")


def saved_model() -> list[Files]:
    return _written_by_tensorflow("saved_model")


def _written_by_tensorflow(kind: str) -> list[Files]:
    """TensorFlow in a process of its own: its memory and its threads stay out of the reader's."""
    import subprocess
    import sys

    folder = Path(tempfile.mkdtemp())
    try:
        command = [sys.executable, "-m", "benchmarks.fuzz.tensorflow_seeds", kind, str(folder)]
        root = str(Path(__file__).resolve().parents[2])
        subprocess.run(
            command, check=True, capture_output=True, cwd=root, env={**os.environ, "PYTHONPATH": root}
        )
        return [
            {
                path.relative_to(one).as_posix(): path.read_bytes()
                for path in sorted(one.rglob("*"))
                if path.is_file()
            }
            for one in sorted(folder.iterdir())
        ]
    finally:
        shutil.rmtree(folder)


def mutate_torch(files: Files, random: Random) -> Files:
    return {FILE: packages.zipped(files[FILE], random, _torch_entry)}


def _torch_entry(name: str, content: bytes, random: Random) -> bytes:
    if random.random() < 0.15 and not name.endswith(".pkl"):
        return bytes(random.choice((len(content), 10**7)))
    return mutate_bytes(content, content, random)[0]


def mutate_pickle(files: Files, random: Random) -> Files:
    """Splice into a pickle what unpicklers stumble over."""
    data = files[FILE]
    return {FILE: random.choice(_HOSTILE) if random.random() < 0.3 else mutate_bytes(data, data, random)[0]}


def _tuples(depth: int) -> bytes:
    """Make a key of tuples within tuples, each twice in the next: its hash takes 2 ** depth steps."""
    return b"\x80\x02}" + b")q\x00" + b"h\x00h\x00\x86q\x00" * depth + b"K\x01s."


_HOSTILE = (
    _tuples(40),
    b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.",
    b"\x80\x02cnumpy\nndarray\n(J\xff\xff\xff\x3ft\x85R.",
    b"\x80\x02}X\x01\0\0\0acnumpy\nndarray\n(J\xff\xff\xff\x3fX\x02\0\0\0f4\x86Rs.",
    b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    b"\x80\x02\x8b\xff\xff\xff\x7f.",
    b"\x80\x02r\xff\xff\xff\x7f.",
)


def mutate_archive_of_torch(files: Files, random: Random) -> Files:
    """At times a hostile pickle in place of the archive's own."""
    if random.random() > 0.15:
        return mutate_torch(files, random)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(files[FILE])) as before, zipfile.ZipFile(stream, "w") as archive:
        for info in before.infolist():
            hostile = info.filename.endswith("data.pkl")
            archive.writestr(info, random.choice(_HOSTILE) if hostile else before.read(info))
    return {FILE: stream.getvalue()}
