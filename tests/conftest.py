"""Fixtures for all tests: the media and golden numbers beside the checkout, and networks loaded once."""

import gc
import http.server
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import zoo
from zoo import Network
from zoo.core.hashing import digest
from zoo.core.spec import Source, Spec
from zoo.hub import sources, weights

TESTS = Path(__file__).resolve().parent
SHARED = TESTS.parents[1] / "shared"

# Compiling UMAP takes up to a minute: the app in the browser and the tests of the library share the result.
os.environ.setdefault("NUMBA_CACHE_DIR", str(weights.cache_folder() / "numba"))

KINDS = ("browser", "fidelity", "model", "unit")  # in the order in which they run
MODEL = (  # places of tests that build or run whole networks without asking the fixture `net` for one
    "audio/test_crepe_fft", "audio/test_openl3", "audio/test_vggish",
    "test_docstrings", "test_extras", "test_readme", "test_wheel", "zoo/plotting/test_kernel",
    "zoo/app/pages", "zoo/app/server", "zoo/benchmark", "zoo/cli", "zoo/exchange", "zoo/hub", "zoo/inference",
    "zoo/batches/test_cluster", "zoo/batches/test_helpers", "zoo/batches/test_provenance",
    "zoo/batches/test_run", "zoo/batches/test_sorter", "zoo/batches/test_tasks",
    "zoo/training/evaluation", "zoo/training/fit", "zoo/training/test_recipes",
)  # fmt: skip
FIDELITY = (
    "fidelity", "vision/test_caffe_networks", "vision/test_darknet_networks", "vision/test_keras_models",
    "vision/test_pytorchcv_models",
)  # fmt: skip

TOGETHER = {  # places whose tests one worker runs, since they share what is slow to start; the first counts
    "servers of their own": (
        "browser/test_downloads", "browser/test_forged_messages", "browser/test_hostile_visitor",
        "browser/test_sessions", "browser/test_work_survives",
    ),
    "browser": ("browser/",),
    "server": ("zoo/app/server/",),
    "tensorflow": (
        "fidelity/test_pictures", "fidelity/test_tensorflow_originals", "vision/test_keras_models",
        "audio/test_openl3", "zoo/formats/test_formats", "zoo/hub/test_tfhub",
    ),
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--exhaustive", action="store_true", help="run also what repeats a quicker test on other networks"
    )


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test its kind, and leave out the exhaustive ones.

    Tests in the browser come first: they last longest, and two workers have them all. Units come last: they
    are short, so that the workers end together.
    """
    for item in items:
        item.add_marker(kind_of(item))
    if not config.getoption("exhaustive"):
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: KINDS.index(kind_of(item)))


def pytest_collection_finish() -> None:
    """Leave out of all collections of garbage what lasts as long as the process: libraries and tests."""
    gc.freeze()


def kind_of(item: pytest.Item) -> str:
    """The one kind of a test: by its place, or by the whole network that it uses."""
    place = item.path.relative_to(TESTS).as_posix()
    if place.startswith("browser"):
        return "browser"
    if place.startswith(FIDELITY):
        return "fidelity"
    return "model" if place.startswith(MODEL) or "net" in item.fixturenames else "unit"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a busy machine to the workers that have a browser: their tests are the longest chains."""
    if kind_of(item) != "browser" and os.nice(0) == 0:
        os.nice(3)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Workers take tests by the file, and one of them takes all that share what is slow to start."""

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            place = file.removeprefix("tests/")
            return next((name for name, places in TOGETHER.items() if place.startswith(places)), file)

    return ByFile(config, log)


def _shared(folder: str) -> Path:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"needs {folder} in a folder 'shared' beside the checkout, which is not there")
    return SHARED / folder


@pytest.fixture(scope="session")
def media() -> Path:
    """Real photos and recordings."""
    return _shared("media")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Outputs of the original implementations."""
    return _shared("golden")


@pytest.fixture(scope="session")
def net() -> Callable[[str], Network]:
    """A pretrained network by name, loaded once."""
    return cache(lambda name: zoo.load(name, device="cpu"))


class Internet:
    """Files at the addresses of sources: a local server for what is downloaded, a mirror for the hubs."""

    def __init__(self, folder: Path, address: str):
        self.mirror, self.address, self.files = folder / "mirror", address, {}

    def load(self, spec: Spec, source: Source, file: Path) -> dict[str, np.ndarray]:
        """The tensors of a checkpoint whose only source is `file`, at the address of `source`."""
        scheme, _, rest = source.url.partition(":")
        address = sources._address(scheme, rest) if scheme in ("timm", "torchvision") else source.url
        checksum = f"sha256:{digest(file)}"
        address, _, member = address.partition("#")
        if member:
            with zipfile.ZipFile(packed := file.with_suffix(".zip"), "w") as archive:
                archive.write(file, member)
            file = packed
        if address.startswith(("hf:", "tfhub:")):
            place = self.mirror / address.partition(":")[2]
            place.parent.mkdir(parents=True)
            file.rename(place)
        self.files[f"/{address}"] = file
        return weights.load(spec.replace(sources=(replace(source, checksum=checksum),)))


@pytest.fixture
def internet(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """The addresses of the catalogs, answered by this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(net.files.get(path, tmp_path / "absent"))

        def log_message(self, *_: object) -> None:
            pass

    download = sources._download
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        net = Internet(tmp_path, f"http://127.0.0.1:{httpd.server_port}")
        monkeypatch.setenv("ZOO_MIRROR", str(net.mirror))
        monkeypatch.setattr(sources, "_download", lambda url, *rest: download(f"{net.address}/{url}", *rest))
        yield net
        httpd.shutdown()


@pytest.fixture(scope="session")
def yamnet_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a SavedModel with google/yamnet/1 inside."""
    return sources.get(zoo.describe("yamnet").sources[0].url, tmp_path_factory.mktemp("tfhub"))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for a test that fetches, and neither mirror nor offline switch."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(folder))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    return folder


@pytest.fixture
def readme_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that examples of the documents and docstrings name."""
    samples = {
        "photo.jpg": "rocket.jpg",
        "other.jpg": "rocket.jpg",
        "photos/cat.png": "cat.png",
        "street.wav": "bicycle-bell.wav",
        "melody.wav": "melody.wav",
    }
    (tmp_path / "photos").mkdir()
    for name, sample in samples.items():
        shutil.copy(zoo.sample(sample), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
