"""Paths, bytes, open files and addresses all become the same stream."""

import http.server
import io
import threading

import pytest

from zoo.core import inputs
from zoo.core.errors import InputError


def test_paths_bytes_and_open_files(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"hello")
    for x in (path, str(path), b"hello", bytearray(b"hello"), io.BytesIO(b"hello"), path.open("rb")):
        with inputs.open_input(x) as stream:
            assert stream.read() == b"hello"


def test_names():
    named = io.BytesIO(b"x")
    named.name = "upload.wav"
    assert inputs.name_of("a/b.wav") == "a/b.wav"
    assert inputs.name_of(named) == "upload.wav"
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


def test_a_path_with_a_null_byte_is_refused():
    with pytest.raises(InputError, match="cannot be read"):
        inputs.open_input("a\0b")


def test_addresses(monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/a.bin":
                return self.send_error(404)
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
        with pytest.raises(InputError, match="cannot be downloaded"):
            inputs.open_input(f"{base}/b.bin")
        monkeypatch.setattr(inputs, "MAX_DOWNLOAD_BYTES", 3)
        with pytest.raises(InputError, match="larger"):
            inputs.open_input(f"{base}/a.bin")
        server.shutdown()
    with pytest.raises(InputError, match="cannot be downloaded"):
        inputs.open_input(f"{base}/a.bin")


def test_what_is_made_ahead_comes_in_order_with_its_error_in_its_place():
    made = []

    def items():
        for i in range(3):
            made.append(threading.get_ident())
            yield i
        raise InputError("the fourth")

    found = inputs.ahead(items())
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="the fourth"):
        next(found)
    assert threading.get_ident() not in made


def test_no_more_than_one_item_is_made_ahead():
    made = []
    found = inputs.ahead(made.append(i) or i for i in range(100))
    assert next(found) == 0
    found.close()
    assert len(made) <= 2
