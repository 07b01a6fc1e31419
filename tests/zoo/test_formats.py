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
from zoo.errors import WeightsError

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
    else:
        import tensorflow as tf

        module = tf.Module()
        module.conv = tf.Variable(ARRAY)
        tf.saved_model.save(module, str(path))
    return path


FOLDERS = ("savedmodel", "transformers")  # truncated in tests of their own
NAMES = {
    "keras": "conv/kernel:0",
    "pickle": "conv/0",
    "safetensors": "conv",
    "torch": "conv",
    "savedmodel": "conv",
    "transformers": "classifier.weight",
}


@pytest.mark.parametrize("kind", formats.READERS)
def test_a_file_gives_its_arrays_by_name(kind, tmp_path):
    np.testing.assert_array_equal(formats.read(write(kind, tmp_path / "w"), kind)[NAMES[kind]], ARRAY)


@pytest.mark.parametrize("kind", formats.READERS)
def test_text_is_refused(kind, tmp_path):
    (tmp_path / "w").write_text("this is no weight file")
    with pytest.raises(WeightsError, match="w"):
        formats.read(tmp_path / "w", kind)


@pytest.mark.parametrize("kind", [kind for kind in formats.READERS if kind not in FOLDERS])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_refused(kind, share, tmp_path):
    path = write(kind, tmp_path / "w")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsError):
        formats.read(path, kind)


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
    with pytest.raises(WeightsError, match=r"builtins\.print"):
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
