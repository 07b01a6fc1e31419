"""Each reader gives named arrays, and refuses what is not of its kind, cut short or hostile."""

import io
import os
import pickle

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from zoo import formats
from zoo.core.errors import WeightsError

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


def write(kind, path):
    if kind == "keras":
        with h5py.File(path, "w") as file:
            file["conv/kernel:0"] = ARRAY
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"conv": [ARRAY, ARRAY[0]]}))
    elif kind == "safetensors":
        save_file({"conv": ARRAY}, path)
    elif kind == "torch":
        torch.save({"conv": torch.from_numpy(ARRAY)}, path)
    elif kind == "transformers":
        from transformers import ViTConfig, ViTForImageClassification

        config = ViTConfig(hidden_size=4, num_hidden_layers=1, num_attention_heads=1, num_labels=3)
        model = ViTForImageClassification(config)
        model.classifier.weight.data = torch.from_numpy(ARRAY)
        model.save_pretrained(path)
    elif kind == "checkpoint":
        write_checkpoint(path, {"conv/weights": ARRAY})
    else:
        import tensorflow as tf

        module = tf.Module()
        module.conv = tf.Variable(ARRAY)
        tf.saved_model.save(module, str(path))
    return path


def write_checkpoint(path, arrays):
    """One file, as TensorFlow wrote them in version 1; with a number of steps, which is no weight."""
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default(), tf.Session() as session:
        steps = tf.get_variable("global_step", initializer=np.int64(3), use_resource=False)
        variables = [steps]
        session.run(steps.initializer)
        for name, array in arrays.items():
            value = tf.placeholder(tf.float32, array.shape)  # 2 GB are the limit of a graph of constants
            variables.append(tf.get_variable(name, initializer=value, use_resource=False))
            session.run(variables[-1].initializer, {value: array})
        saver = tf.train.Saver(variables, write_version=tf.train.SaverDef.V1)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


APART = ("checkpoint", "savedmodel", "transformers")  # truncated in tests of their own
NAMES = {  # those of Caffe and Darknet are in test_foreign_formats.py
    "checkpoint": "conv/weights",
    "keras": "conv/kernel:0",
    "pickle": "conv/0",
    "safetensors": "conv",
    "torch": "conv",
    "savedmodel": "conv",
    "transformers": "classifier.weight",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_gives_its_arrays_by_name(kind, tmp_path):
    np.testing.assert_array_equal(formats.read(write(kind, tmp_path / "w"), kind)[NAMES[kind]], ARRAY)


@pytest.mark.parametrize("kind", formats.READERS)
def test_text_is_refused(kind, tmp_path):
    (tmp_path / "w").write_text("this is no weight file")
    with pytest.raises(WeightsError, match="w"):
        formats.read(tmp_path / "w", kind)


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in APART])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_refused(kind, share, tmp_path):
    path = write(kind, tmp_path / "w")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsError):
        formats.read(path, kind)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = write("checkpoint", tmp_path / "w")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(WeightsError, match="checkpoint that TensorFlow"):
        formats.read(path, "checkpoint")


def test_a_truncated_savedmodel_is_refused(tmp_path):
    path = write("savedmodel", tmp_path / "w")
    data = next(path.glob("variables/*.data*"))
    data.write_bytes(b"")
    with pytest.raises(WeightsError, match="SavedModel"):
        formats.read(path, "savedmodel")


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_that_runs_code_is_refused_before_it_does(kind, tmp_path):
    path, ran = tmp_path / "w", tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {ran}",)

    if kind == "pickle":
        path.write_bytes(pickle.dumps({"x": Evil()}))
    else:
        torch.save({"x": Evil()}, path)
    with pytest.raises(WeightsError, match=r"complete"):
        formats.read(path, kind)
    assert not ran.exists()


def test_a_pickle_of_something_else_is_refused(tmp_path):
    for content in ([1, 2], {"x": "text"}, {"x": np.array(["text"])}):
        (tmp_path / "w").write_bytes(pickle.dumps(content))
        with pytest.raises(WeightsError):
            formats.read(tmp_path / "w", "pickle")


def test_a_pickled_array_of_objects_cannot_smuggle_code_in(tmp_path):
    stream = io.BytesIO()
    pickle.dump({"x": np.array([print], dtype=object)}, stream)
    (tmp_path / "w").write_bytes(stream.getvalue())
    with pytest.raises(WeightsError, match="type of numbers"):
        formats.read(tmp_path / "w", "pickle")


def test_a_keras_file_that_points_to_another_file_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(40))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("x", (10,), "f4", external=[(str(tmp_path / "secret"), 0, 40)])
    with pytest.raises(WeightsError, match="another file"):
        formats.read(tmp_path / "w.h5", "keras")


def test_a_keras_file_larger_than_memory_is_refused(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("x", (10**13,), "f4", chunks=(1000,))
    with pytest.raises(WeightsError):
        formats.read(tmp_path / "w.h5", "keras")


def test_what_is_no_dictionary_of_dense_tensors_is_refused(tmp_path):
    sparse = torch.eye(2).to_sparse()
    for content in ({"a": sparse}, {1: torch.ones(1)}, [torch.ones(1)], torch.nn.Linear(1, 1)):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(WeightsError):
            formats.read(tmp_path / "w.pth", "torch")


def test_torch_parameters_and_bfloat16(tmp_path):
    state = {"a": torch.nn.Parameter(torch.ones(2)), "b": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(state, tmp_path / "w.pth")
    for array in formats.read(tmp_path / "w.pth", "torch").values():
        np.testing.assert_array_equal(array, [1.0, 1.0])


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(WeightsError, match="safetensors"):
        formats.read(tmp_path, "abacus")


def keras_file(path, layers, *, root="", chunks=1):
    """A file of Keras 2: ``{layer: [name of a weight, ...]}``, the names in so many attributes."""
    with h5py.File(path, "w") as file:
        top = file.create_group(root) if root else file
        names = np.array([layer.encode() for layer in layers])
        for i, part in enumerate(np.array_split(names, chunks)):
            top.attrs["layer_names" if chunks == 1 else f"layer_names{i}"] = part
        for layer, weights in layers.items():
            group = top.create_group(layer)
            group.attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight in weights:
                group[weight] = ARRAY
    return path


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (
            {"b": ["b/kernel:0", "b/bias:0"], "input": [], "a": ["a/kernel:0"]},
            ["b/kernel", "b/bias", "a/kernel"],
        ),
        ({"block1_conv1": ["block1_conv1_W_1:0"]}, ["block1_conv1/block1_conv1_W_1"]),
        ({"conv1/bn": ["conv1/bn_1/gamma:0"]}, ["conv1/bn/gamma"]),
        ({"net": ["a/kernel:0", "b/kernel:0"]}, ["net/a/kernel", "net/b/kernel"]),
    ],
    ids=["order", "old names", "slash", "network in a network"],
)
@pytest.mark.parametrize("root", ["", "model_weights"])
@pytest.mark.parametrize("chunks", [1, 2])
def test_keras_layers_come_in_order_by_their_names(layers, names, root, chunks, tmp_path):
    path = keras_file(tmp_path / "w.h5", layers, root=root, chunks=chunks)
    if root:
        with h5py.File(path, "a") as file:
            file["optimizer_weights/Adam/m"] = ARRAY
    tensors = formats.read(path, "keras")
    assert list(tensors) == names
    for array in tensors.values():
        np.testing.assert_array_equal(array, ARRAY)


def test_layers_of_keras_3_come_in_order_by_their_names(tmp_path):
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for place, name in (
            ("layers/conv2d_10", "last"),
            ("layers/conv2d_2", "middle"),
            ("layers/conv2d", "first"),
            ("layers/functional/layers/conv2d", "first"),
        ):
            file[f"{place}/vars/0"] = ARRAY
            file[f"{place}/vars"].attrs["name"] = name
        file["layers/conv2d/vars/10"], file["layers/conv2d/vars/2"] = ARRAY, ARRAY
        file["layers/normalization/vars/0"] = np.int64(3)  # a count
        file["optimizer/vars/0"] = ARRAY
    assert list(formats.read(tmp_path / "w.weights.h5", "keras")) == [
        *("first/0", "first/2", "first/10", "middle/0", "last/0", "functional/first/0")
    ]


@pytest.mark.parametrize("value", [3, [3.0], [b"\xff"], ["nowhere"], h5py.Empty("f"), [b"a", b"a"], [b".."]])
@pytest.mark.parametrize("attribute", ["layer_names", "weight_names"])
def test_a_keras_file_that_contradicts_itself_is_refused(attribute, value, tmp_path):
    path = keras_file(tmp_path / "w.h5", {"a": ["a"]})
    with h5py.File(path, "a") as file:
        (file if attribute == "layer_names" else file["a"]).attrs[attribute] = value
    with pytest.raises(WeightsError):
        formats.read(path, "keras")


@pytest.mark.parametrize("link", ["soft", "external"])
def test_links_in_a_keras_file_are_not_followed(link, tmp_path):
    keras_file(tmp_path / "secret.h5", {"a": ["a/kernel"]})
    path = keras_file(tmp_path / "w.h5", {"a": ["a/kernel", "a/bias"]})
    with h5py.File(path, "a") as file:
        del file["a/a/bias"]
        file["a/a/bias"] = (
            h5py.SoftLink("/a/a/kernel")
            if link == "soft"
            else h5py.ExternalLink(str(tmp_path / "secret.h5"), "/a/a/kernel")
        )
    with pytest.raises(WeightsError, match="a/bias"):
        formats.read(path, "keras")
