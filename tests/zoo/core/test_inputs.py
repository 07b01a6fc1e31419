"""Paths, bytes, open files and addresses all become the same stream."""

import http.server
import io
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.core import inputs
from zoo.core.errors import InputError


def test_paths_bytes_and_open_files(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"hello")
    for x in (path, str(path), b"hello", bytearray(b"hello"), io.BytesIO(b"hello"), path.open("rb")):
        with inputs.open_input(x) as stream:
            assert stream.read() == b"hello"


def test_home_and_urls_of_files(tmp_path, monkeypatch):
    path = tmp_path / "a b.bin"
    path.write_bytes(b"hello")
    monkeypatch.setenv("HOME", str(tmp_path))
    for x in ("~/a b.bin", Path("~/a b.bin"), path.as_uri(), f"file://{path}"):
        with inputs.open_input(x) as stream:
            assert stream.read() == b"hello"


@pytest.fixture
def stdin(monkeypatch):
    """Standard input with the given bytes."""
    return lambda content: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_standard_input(stdin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(b"a file")
    stdin(b"hello")
    assert inputs.open_input("-").read() == b"hello"
    assert inputs.open_input(Path("-")).read() == b"a file"
    stdin(b"hello")
    (stream,) = inputs.flat_list(["-"], (), "an image")
    assert inputs.name_of(stream) == "-"
    assert [inputs.open_input(stream).read() for _ in range(2)] == [b"hello", b"hello"]


def test_a_standard_input_that_cannot_be_used(stdin, monkeypatch):
    stdin(b"")
    with pytest.raises(InputError, match="- is empty"):
        inputs.open_input("-")
    monkeypatch.setattr(inputs, "MAX_DOWNLOAD_BYTES", 3)
    stdin(b"hello")
    with pytest.raises(InputError, match="larger"):
        inputs.open_input("-")
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello"))
    with pytest.raises(InputError, match="Standard input cannot be read"):
        inputs.open_input("-")


PATHS = ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(PATHS),
        pd.Series(PATHS, dtype=object),
        pd.Series(PATHS).astype("category"),
        pd.Series(PATHS).array,
        pd.Index(PATHS),
        np.array(PATHS),
        np.array(PATHS, object),
        np.array(PATHS, np.dtypes.StringDType()),
    ],
    ids=["Series", "object Series", "categories", "extension array", "Index", "str", "object", "StringDType"],
)
def test_columns_of_paths(column):
    assert inputs.is_column(column)
    assert inputs.flat_list(column, (), "an image") == PATHS


@pytest.mark.parametrize("x", [np.zeros(3), np.array([["a.jpg"]]), pd.Series([1.5]), PATHS, "a.jpg"])
def test_what_is_no_column(x):
    assert not inputs.is_column(x)


def test_folders_and_patterns_within_a_list_are_their_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("f/2.jpg", "f/1.jpg", "f/1.txt", "3.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")
    nested = ["f/1.txt", "f", b"bytes", "*.jpg", Path("f")]
    flat = inputs.flat_list(nested, {".jpg"}, "an image")
    files = [Path("f/1.jpg"), Path("f/2.jpg")]
    assert flat == ["f/1.txt", *files, b"bytes", Path("3.jpg"), *files]
    assert inputs.flat_list(flat, {".jpg"}, "an image") == flat
    assert inputs.flat_list("f", {".jpg"}, "an image") == files


def test_a_folder_or_pattern_without_files_says_so_when_it_is_opened(tmp_path):
    (tmp_path / "1.txt").write_bytes(b"x")
    groups = [str(tmp_path), f"{tmp_path}/*.txt"]
    assert inputs.flat_list(groups, {".jpg"}, "an image") == groups
    for group, sentence in zip(
        groups, (r"^[^:]+ is a folder.*right kind\.$", "no file of the right kind"), strict=True
    ):
        assert inputs.flat_list(group, {".jpg"}, "an image") == [group]
        with pytest.raises(InputError, match=sentence):
            inputs.open_input(group)


def test_a_list_may_be_empty():
    for empty in ([], (), iter([]), pd.Series([], dtype=object)):
        assert inputs.flat_list(empty, (), "an image") == []


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        ([[0.1, 0.2], [0.3, 0.4]], "NumPy"),
        ([0.1, np.float32(0.2), 3], "NumPy"),
        ([["a.jpg"], ["b.jpg"]], "flat list"),
        (3, "type int is not an image"),
        ({"a.jpg": 1}, "type dict is not an image"),
        (None, "type NoneType is not an image"),
    ],
)
def test_what_is_no_list_of_inputs(x, sentence):
    with pytest.raises(InputError, match=sentence):
        inputs.flat_list(x, (), "an image")


def test_names():
    upload = io.BytesIO(b"x")
    upload.name = "upload.wav"
    assert inputs.name_of("a/b.wav") == "a/b.wav"
    assert inputs.name_of(upload) == "upload.wav"
    assert inputs.name_of(b"x", 2) == "bytes 3"


def test_a_file_open_as_text_is_refused():
    with pytest.raises(InputError, match="binary"):
        inputs.open_input(io.StringIO("hello"))


def test_offline_forbids_addresses(monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(InputError, match="ZOO_OFFLINE"):
        inputs.open_input("http://127.0.0.1:9/a.wav")


@pytest.mark.parametrize("x", [b"", io.BytesIO()])
def test_nothing_is_refused(x):
    with pytest.raises(InputError, match="is empty"):
        inputs.open_input(x)


@pytest.mark.parametrize("x", ["", "a\0b", "~\0", "file:///a%00b", "a\0*"])
def test_what_is_no_path_is_refused(x):
    with pytest.raises(InputError, match="cannot be read: it is not a path"):
        inputs.open_input(x)


def test_addresses(monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/a.bin":
                self.send_response_only(int(self.path[1:]), "a reason of the server's own")
                return self.end_headers()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        with inputs.open_input(f"{base}/a.bin") as stream:
            assert stream.read() == b"hello"
        for status, sentence in (
            ("404", "404 Not Found"),
            ("503", "503 Service Unavailable"),
            ("599", "599"),
        ):
            with pytest.raises(InputError, match=rf"{status} cannot be downloaded: {sentence}\.$"):
                inputs.open_input(f"{base}/{status}")
        monkeypatch.setattr(inputs, "MAX_DOWNLOAD_BYTES", 3)
        with pytest.raises(InputError, match="larger"):
            inputs.open_input(f"{base}/a.bin")
        server.shutdown()
    with pytest.raises(InputError, match=r"cannot be downloaded: ConnectionError\.$"):
        inputs.open_input(f"{base}/a.bin")


def test_what_is_made_ahead_comes_in_order_with_its_error_in_its_place():
    threads = []

    def items():
        for i in range(3):
            threads.append(threading.get_ident())
            yield i
        raise InputError("the fourth")

    ahead = inputs.ahead(items())
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="the fourth"):
        next(ahead)
    assert threading.get_ident() not in threads


def test_no_more_than_one_item_is_made_ahead():
    consumed = []
    ahead = inputs.ahead(consumed.append(i) or i for i in range(100))
    assert next(ahead) == 0
    ahead.close()
    assert len(consumed) <= 2


def test_an_address_of_another_kind_names_those_that_can_be_read():
    with pytest.raises(
        InputError, match=r"ftp://host/a\.wav cannot be read; .* http://, https:// or file://"
    ):
        inputs.open_input("ftp://host/a.wav")
