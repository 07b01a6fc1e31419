"""The readers of Caffe's, Darknet's, ONNX's and TensorFlow Lite's files: what they give and refuse."""

import numpy as np
import pytest

from benchmarks.fuzz import weights as seeds
from zoo.core.errors import WeightsError
from zoo.formats import caffe, darknet, onnx, tflite

WEIGHT = np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1)
BIAS = np.arange(4, dtype=np.float32)


def blob(array, *, version="layer", double=False, packed=True):
    message = caffe.messages(packed=packed)["BlobProto"]()
    field = message.double_data if double else message.data
    values = array.astype("<f8" if double else "<f4")
    field.extend([values.tobytes()] if packed else values.ravel().tolist())
    if version == "layer":
        message.shape.dim.extend(array.shape)
    else:
        message.num, message.channels, message.height, message.width = (1,) * (4 - array.ndim) + array.shape
    return message


def net(*layers, version="layer", packed=True):
    """A network of (name, type, blobs)."""
    message = caffe.messages(packed=packed)["NetParameter"]()
    for name, kind, blobs in layers:
        getattr(message, version).add(name=name, type=kind, blobs=blobs)
    return message.SerializeToString()


def refuse(path, content, match, read=caffe.read):
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=match) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("version", "kind"), [("layer", "Convolution"), ("layers", 4)])
def test_every_way_of_writing_gives_the_same_arrays(version, kind, double, packed, tmp_path):
    blobs = [blob(array, version=version, double=double, packed=packed) for array in (WEIGHT, BIAS)]
    (tmp_path / "w").write_bytes(
        net(("conv/1", kind, blobs), ("relu", kind, []), version=version, packed=packed)
    )
    tensors = caffe.read(tmp_path / "w")
    assert list(tensors) == ["conv/1/0", "conv/1/1"]
    np.testing.assert_array_equal(tensors["conv/1/0"], WEIGHT)
    np.testing.assert_array_equal(tensors["conv/1/1"], BIAS)
    assert all(array.dtype == np.float32 and array.flags.writeable for array in tensors.values())


def test_data_in_several_pieces_is_put_together(tmp_path):
    whole = blob(WEIGHT)
    whole.data[:] = [WEIGHT.tobytes()[:40], WEIGHT.tobytes()[40:]]
    (tmp_path / "w").write_bytes(net(("conv", "Convolution", [whole])))
    np.testing.assert_array_equal(caffe.read(tmp_path / "w")["conv/0"], WEIGHT)


@pytest.mark.parametrize(("version", "kind"), [("layer", "InnerProduct"), ("layers", 14)])
def test_an_old_inner_product_has_two_dimensions(version, kind, tmp_path):
    blobs = [blob(array, version="layers") for array in (WEIGHT.reshape(1, 24), BIAS)]
    (tmp_path / "w").write_bytes(net(("fc", kind, blobs), version=version))
    assert {name: array.shape for name, array in caffe.read(tmp_path / "w").items()} == {
        "fc/0": (1, 24),
        "fc/1": (4,),
    }


def test_an_old_convolution_of_one_channel_keeps_four_dimensions(tmp_path):
    array = WEIGHT.reshape(1, 1, 4, 6)
    (tmp_path / "w").write_bytes(net(("conv", 4, [blob(array, version="layers")]), version="layers"))
    np.testing.assert_array_equal(caffe.read(tmp_path / "w")["conv/0"], array)


def test_fields_that_are_not_needed_are_skipped(tmp_path):
    name, state = b"\x0a\x03net", b"\x32\x02\x08\x01"  # NetParameter.name and .state
    (tmp_path / "w").write_bytes(name + net(("conv", "Convolution", [blob(WEIGHT)])) + state)
    assert list(caffe.read(tmp_path / "w")) == ["conv/0"]


@pytest.mark.parametrize(
    "shape", [(4, 3), (4, 3, 2, 2), (-4, -3, 2, 1), (0,), (2**62, 2**62), (), (24,) + (1,) * 32]
)
def test_a_shape_that_does_not_fit_the_data_is_refused(shape, tmp_path):
    wrong = blob(WEIGHT)
    wrong.shape.ClearField("dim")
    wrong.shape.dim.extend(shape)
    refuse(tmp_path / "w", net(("conv", "Convolution", [wrong])), "w is not a complete caffemodel")


def test_a_shape_without_data_is_refused(tmp_path):
    empty = blob(WEIGHT)
    empty.ClearField("data")
    refuse(tmp_path / "w", net(("conv", "Convolution", [empty])), "has 0 values")


def test_data_that_is_cut_within_a_value_is_refused(tmp_path):
    odd = blob(WEIGHT)
    odd.data[0] = odd.data[0][:-1]
    refuse(tmp_path / "w", net(("conv", "Convolution", [odd])), "complete")


def test_two_layers_of_one_name_are_refused(tmp_path):
    layer = ("conv", "Convolution", [blob(WEIGHT)])
    refuse(tmp_path / "w", net(layer, layer), "two layers 'conv'")


def test_a_name_that_is_no_text_is_refused(tmp_path):
    content = net(("conv", "Convolution", [blob(WEIGHT)])).replace(b"conv", b"\xff\xfe\xfd\xfc")
    refuse(tmp_path / "w", content, "is not the name of a layer")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.95])
def test_a_truncated_caffemodel_is_refused(share, tmp_path):
    whole = net(("conv", "Convolution", [blob(WEIGHT), blob(BIAS)]))
    refuse(tmp_path / "w", whole[: int(len(whole) * share)], "complete")


@pytest.mark.parametrize("read", [caffe.read, caffe.read_mean, darknet.read])
def test_what_is_something_else_is_refused(read, tmp_path):
    random = np.random.default_rng(0)
    for content in (
        b"",
        b"this is no weight file",
        b"\n" * 50,
        b"PK\x03\x04",
        *map(random.bytes, range(1, 200)),
    ):
        refuse(tmp_path / "w", content, "is not a complete", read)
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(WeightsError, match="is not a complete"):
            read(path)


def test_a_file_of_nothing_but_layers_is_refused(tmp_path):
    refuse(tmp_path / "w", b"\xa2\x06\x00" * 20_000, "more than 10000 layers")


def test_a_file_of_nothing_but_blobs_is_refused(tmp_path):
    blobs = b"\x3a\x00" * 1_000_000
    content = b"\xa2\x06" + b"\x80\x89\x7a" + blobs
    refuse(tmp_path / "w", content, "has 0 values")


def test_deep_nesting_is_refused(tmp_path):
    content = b""
    for _ in range(10_000):  # groups of an unknown field, one within the other
        content = b"\x4b" + content
    refuse(tmp_path / "w", content, "complete")


@pytest.mark.parametrize("version", ["layer", "layers"])
def test_a_mean_picture(version, tmp_path):
    mean = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)[:, :, ::-1].copy()
    content = blob(mean[0] if version == "layer" else mean, version=version).SerializeToString()
    (tmp_path / "mean.binaryproto").write_bytes(content)
    np.testing.assert_array_equal(caffe.read_mean(tmp_path / "mean.binaryproto"), mean[0])


def test_a_mean_that_is_no_picture_is_refused(tmp_path):
    refuse(tmp_path / "w", blob(BIAS).SerializeToString(), "shape", caffe.read_mean)


def weights(major=0, minor=2, revision=0, seen=64, values=BIAS):
    count = np.array([seen], "<i8" if major * 10 + minor >= 2 else "<i4")
    return np.array([major, minor, revision], "<i4").tobytes() + count.tobytes() + values.tobytes()


@pytest.mark.parametrize(("major", "minor", "revision"), [(0, 1, 0), (0, 2, 0), (0, 2, 5), (1, 0, 0)])
def test_darknets_values_follow_its_header(major, minor, revision, tmp_path):
    (tmp_path / "w").write_bytes(weights(major, minor, revision))
    tensors = darknet.read(tmp_path / "w")
    assert list(tensors) == ["weights"]
    np.testing.assert_array_equal(tensors["weights"], BIAS)


@pytest.mark.parametrize("length", [0, 5, 11, 12, 19, 20, 21, 35])
def test_darknets_file_that_ends_within_something_is_refused(length, tmp_path):
    refuse(tmp_path / "w", weights()[:length], "complete", darknet.read)


@pytest.mark.parametrize("version", [(-1, 2, 0), (0, 1000, 0), (0, 2, 2**30)])
def test_a_nonsensical_version_is_refused(version, tmp_path):
    refuse(tmp_path / "w", weights(*version), "version would be", darknet.read)


@pytest.mark.parametrize("way", [0, 1], ids=["raw", "numbers"])
def test_onnx_initializers_are_those_of_the_library(way, tmp_path):
    from onnx import ModelProto, numpy_helper

    content = seeds.onnx()[way][seeds.FILE]
    (tmp_path / "w").write_bytes(content)
    tensors = onnx.read(tmp_path / "w")
    theirs = {t.name: numpy_helper.to_array(t) for t in ModelProto.FromString(content).graph.initializer}
    assert tensors.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors[name].dtype == array.dtype
        assert tensors[name].flags.writeable


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"dims": [1 << 40]}, "should have the shape"),
        ({"dims": [-1]}, "has the shape"),
        ({"data_type": 8}, "unknown type"),
        ({"data_location": 1}, "another file"),
        ({"name": "shape"}, "two initializers"),
    ],
)
def test_a_wrong_initializer_is_refused(change, match, tmp_path):
    model = onnx.messages()["ModelProto"].FromString(seeds.onnx()[0][seeds.FILE])
    for name, value in change.items():
        if name == "dims":
            model.graph.initializer[0].dims[:] = value
        else:
            setattr(model.graph.initializer[0], name, value)
    refuse(tmp_path / "w", model.SerializeToString(), match, onnx.read)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"TFL3" * 30, b"\xff" * 1000])
def test_what_is_no_graph_is_refused(content, tmp_path):
    refuse(tmp_path / "w", content, "not a complete ONNX file", onnx.read)
    refuse(tmp_path / "w", content, "not a complete TensorFlow Lite file", tflite.read)


def test_tflite_is_dequantized_by_tensor_and_by_axis(tmp_path):
    content = seeds.tflite()[0][seeds.FILE]
    (tmp_path / "w").write_bytes(content)
    tensors = tflite.read(tmp_path / "w")
    scales, zeros = np.linspace(0.5, 2, 4).reshape(4, 1, 1, 1), np.arange(4).reshape(4, 1, 1, 1)
    np.testing.assert_allclose(tensors["conv"], (WEIGHT.reshape(4, 3, 2, 1) - zeros) * scales)
    np.testing.assert_allclose(tensors["bias"], BIAS * 0.5)
    assert {array.dtype for array in tensors.values()} == {np.dtype(np.float32)}
    for length in range(0, len(content), 7):
        refuse(tmp_path / "w", content[:length], "not a complete TensorFlow Lite file", tflite.read)
