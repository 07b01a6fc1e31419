"""Weight files that ask for code, for gigabytes, for years or for other files are refused at once."""

import io
import pickle
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
import torch

from zoo import formats
from zoo.core.errors import WeightsError
from zoo.formats import pickle_opcodes, reader_process

NUMBER = b"J\xff\xff\xff\x3f"  # 2^30 - 1
HOSTILE = {
    "a key that is hashed 2^60 times": b"}" + b")q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"K\x01s.",
    "a key nested so deep that hashing it overflows the stack": b"})" + b"\x85" * 200_000 + b"K\x01s.",
    "a memo of 2^30 places": b"]r\xff\xff\xff\x3f.",
    "a bytearray of 1 GB": b"cbuiltins\nbytearray\n" + NUMBER + b"\x85R.",
    "an array of 1 GB": b"}X\x01\0\0\0acnumpy\nndarray\n" + NUMBER + b"\x85\x85Rs.",
    "an array of 1 GB, filled later": b"}X\x01\0\0\0acnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    + NUMBER
    + b"\x85X\x01\0\0\0btRs.",
    "a tensor of 1 GB": b"}X\x01\0\0\0actorch\nFloatTensor\n" + NUMBER + b"\x85Rs.",
    "a tensor on no device": b"}X\x01\0\0\0actorch._utils\n_rebuild_meta_tensor_no_storage\n"
    b"(ctorch\nfloat32\nK\x01\x85K\x01\x85\x89tRs.",
    "a program": b"cposix\nsystem\nX\x04\0\0\0true\x85R.",
    "a program by an old opcode": b"(X\x04\0\0\0trueiposix\nsystem\n.",
}


def refuse(path, content, kind, match):
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=match) as caught:
        formats.read(path, kind)
    assert len(str(caught.value).splitlines()) == 1


def archive(pickled, method=zipfile.ZIP_STORED):
    """A file of PyTorch with any pickle in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        packed.writestr("archive/data.pkl", pickled)
        packed.writestr("archive/version", "3\n")
        packed.writestr("archive/byteorder", "little")
    return stream.getvalue()


def saved(state, **options):
    stream = io.BytesIO()
    torch.save(state, stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_before_they_run(name, tmp_path):
    content = b"\x80\x02" + HOSTILE[name]
    refuse(tmp_path / "w", content, "pickle", "safe, complete pickle of arrays|numeric arrays")
    refuse(tmp_path / "w", archive(content), "torch", "complete PyTorch file")
    whole = saved({}, _use_new_zipfile_serialization=False)
    refuse(tmp_path / "w", whole.replace(pickle.dumps({}, 2), content), "torch", "complete PyTorch file")


def test_a_pickle_that_repeats_its_names_a_lot_is_read(tmp_path):
    arrays = {f"{i}": [np.ones(2, np.float32)] * 3 for i in range(3000)}
    (tmp_path / "w").write_bytes(pickle.dumps(arrays, 4))
    assert len(formats.read(tmp_path / "w", "pickle")) == 9000


def test_arrays_that_share_their_bytes_are_refused_before_they_are_copied(tmp_path):
    reduced = np.zeros(1 << 20, np.uint8).__reduce__()

    class Shared:
        def __reduce__(self):
            return reduced

    content = pickle.dumps({f"{i}": Shared() for i in range(200)}, 4)
    tracemalloc.start()
    try:
        refuse(tmp_path / "w", content, "pickle", "210 MB")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_arrays_keep_type_order_and_shape(tmp_path):
    arrays = {
        "t": np.arange(6, dtype=">f8").reshape(2, 3).T,
        "n": np.array(3),
        "u": np.ones((0, 2), np.uint8),
    }
    (tmp_path / "w").write_bytes(pickle.dumps(arrays, 4))
    for name, array in formats.read(tmp_path / "w", "pickle").items():
        np.testing.assert_array_equal(array, arrays[name])
        assert (array.dtype, array.flags.writeable) == (arrays[name].dtype, True)


@pytest.mark.parametrize("legacy", [False, True])
def test_expanded_tensors_of_gigabytes_are_refused(legacy, tmp_path):
    content = saved({"a": torch.zeros(1).expand(10**9)}, _use_new_zipfile_serialization=not legacy)
    refuse(tmp_path / "w", content, "torch", "4000 MB")


def test_compressed_tensors_are_refused_before_they_are_unpacked(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data.pkl", pickle.dumps({}, 2))
        packed.writestr("archive/data/0", bytes(40_000_000))
    refuse(tmp_path / "w", stream.getvalue(), "torch", "40 MB")


@pytest.mark.parametrize("place", [b"storage", b"FloatStorage", b"]q"])
def test_damaged_files_of_the_older_format_are_refused(place, tmp_path):
    whole = saved({"a": torch.ones(3)}, _use_new_zipfile_serialization=False)
    for change in (b"\0" * len(place), b"\xff" * len(place)):
        at = whole.rindex(place)
        refuse(tmp_path / "w", whole[:at] + change + whole[at + len(place) :], "torch", "complete|no state")


def test_a_key_without_its_storage_is_refused(tmp_path):
    whole = saved({"a": torch.ones(3)}, _use_new_zipfile_serialization=False)
    at = whole.rindex(b"]q\x00X") + len(b"]q\x00X....")  # the first of the list of keys
    refuse(tmp_path / "w", whole[:at] + b"X" + whole[at + 1 :], "torch", "complete PyTorch file")


def test_pickles_of_too_many_opcodes_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(pickle_opcodes, "MAX_OPCODES", 1000)
    refuse(tmp_path / "w", b"\x80\x02" + b"N0" * 600 + b"}.", "pickle", "more than 1000 opcodes")


def test_torchscript_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "w")
    with pytest.raises(WeightsError, match="complete PyTorch file"):
        formats.read(tmp_path / "w", "torch")


def hdf5(fill):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        fill(file)
    return stream.getvalue()


@pytest.mark.parametrize(
    "fill",
    [
        lambda file: file.create_dataset("x", (3 * 10**8,), "f4", chunks=(10**6,), fillvalue=1.0),
        lambda file: file.create_dataset("x", data=np.zeros(10**7, "f4"), compression="gzip"),
        lambda file: [file.create_dataset(f"{i}", (10**6,), "f8", chunks=(10**6,)) for i in range(9)],
    ],
    ids=["never written", "compressed", "many"],
)
def test_small_hdf5_of_many_values_is_refused(fill, tmp_path):
    refuse(tmp_path / "w", hdf5(fill), "keras", "MB of memory")


def test_hdf5_that_is_made_of_other_files_is_refused(tmp_path):
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (2, 2))
    content = hdf5(lambda file: file.create_virtual_dataset("x", layout))
    refuse(tmp_path / "w", content, "keras", "another file")


def test_the_configuration_of_a_keras_network_is_not_read(tmp_path):
    def fill(file):
        file.attrs["model_config"] = (
            '{"class_name": "Lambda", "module": "os", "config": {"function": "abort"}}'
        )
        file["dense/kernel"] = np.ones(3, "f4")

    (tmp_path / "w").write_bytes(hdf5(fill))
    assert list(formats.read(tmp_path / "w", "keras")) == ["dense/kernel"]


READER = """
import os
def read(path):
    {how}
"""


@pytest.mark.parametrize(
    ("how", "seconds", "match"),
    [
        ("os.abort()", 99, "ended before it answered"),
        ("b'x' * (1 << 40)", 99, "MemoryError"),
        ("b'x' * (1 << 30)", 99, "MB of memory"),  # a slow machine fills the pages for a while
        ("raise ValueError('it is odd')", 99, "it is odd"),
        ("while True: pass", 0.1, "takes too long"),
        ("import time; time.sleep(99)", 0.1, "takes too long"),
    ],
)
def test_a_reader_that_crashes_or_knows_no_end_ends_alone(how, seconds, match, monkeypatch, tmp_path):
    (tmp_path / "hostile_reader.py").write_text(READER.format(how=how))
    (tmp_path / "w").write_bytes(b"weights")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(reader_process, "SECONDS", seconds)
    with pytest.raises(WeightsError, match=match):
        reader_process.arrays("hostile_reader", tmp_path / "w", "a file of weights")
