"""The page Embeddings: files in, a map, neighbors, similarities and files of vectors out."""

import io
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

import zoo
from tests.zoo.batches.vector_folder import make_folder
from zoo.app.services import offered_batches, umap_layout
from zoo.hub.samples import digits
from zoo.inference.tasks import embed_files

PAGES = Path(zoo.__file__).parent / "app" / "pages"
RATE = 16000
DIGITS = [(name, data, "image/png") for name, data in digits(2)[:6]]  # two each of 0, 1 and 2


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file(str(PAGES / "embeddings.py"), default_timeout=200).run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def progress(app: AppTest) -> list:
    return [element.proto for element in app.get("progress")]


def upload(app: AppTest, *files: tuple[str, bytes, str], kind: str = "image") -> AppTest:
    app.get_by_key(f"embeddings-upload-{kind}").set_value(list(files)).run()
    assert not app.exception
    return app


class Umap:
    """In place of the process that computes maps by UMAP: answers once it may go on."""

    def __init__(self, method: str):
        self.method, self.go = method, threading.Event()

    def call(self, request, *arrays, seconds):
        assert self.go.wait(30)
        return {"method": self.method}, [array[:, :2] for array in arrays]


def run_until(app: AppTest, words: str) -> None:
    end = time.monotonic() + 30
    while words not in text(app):
        assert time.monotonic() < end, words
        app.run()
        assert not app.exception


def neighbors(app: AppTest) -> list[tuple[float, str]]:
    """What the tiles say: similarity and name."""
    captions = [caption.value.split(" ", 1) for caption in app.caption if caption.value.startswith("**")]
    return [(float(similarity.strip("*")), name) for similarity, name in captions]


def tone(hertz: float, seconds: float = 2) -> tuple[str, bytes, str]:
    stream = io.BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    soundfile.write(stream, samples, RATE, format="wav")
    return f"{hertz}.wav", stream.getvalue(), "audio/wav"


def test_without_files_it_says_what_to_do(app):
    assert "Upload some files, 100 at most, or try the sample." in text(app)
    assert not app.get("plotly_chart")
    assert not app.get("download_button")


def test_pictures_have_a_map_and_the_neighbors_of_the_library(app, net):
    upload(app, *DIGITS)
    expected = net("efficientnet_lite0").embed([data for _, data, _ in DIGITS])
    for query in (0, 3):
        app.get_by_key("embeddings-query").set_value(query).run()
        near = expected.neighbors(query, 5)
        names = [DIGITS[row][0] for row in near.indices]
        assert [name for _, name in neighbors(app)] == names
        assert [value for value, _ in neighbors(app)] == pytest.approx(near.similarities.tolist(), abs=0.006)
    assert len(app.get("plotly_chart")) == 2
    assert f"The map shows {sum(expected.project().explained_variance_ratio):.0%} of the variance." in text(
        app
    )
    assert "6 vectors of 1280 numbers from global_pool of EfficientNet-Lite0." in text(app)
    assert [button.label for button in app.get("download_button")] == [
        "Map as CSV",
        "Similarity as CSV",
        "NPZ",
        "Parquet",
        "CSV",
        "Provenance of the CSV",
    ]


def test_another_map_or_query_does_not_run_the_network_again(app, monkeypatch):
    upload(app, *DIGITS)
    monkeypatch.setattr(zoo.Network, "vectors", None)
    app.get_by_key("embeddings-k").set_value(3).run()
    app.get_by_key("embeddings-query").set_value(5).run()
    assert len(neighbors(app)) == 3
    app.get_by_key("embeddings-color-Group-Nothing-Clusters").set_value("Clusters").run()
    app.get_by_key("embeddings-order").set_value("Likeness").run()
    assert not app.exception
    assert app.get_by_key("embeddings-query").value == 5


def test_only_a_new_file_is_embedded_and_what_was_there_is_the_same(app, monkeypatch):
    upload(app, *DIGITS[:5])
    (before,) = app.session_state["remembered-embedded"].values()
    ran, embedded = [], embed_files.EmbeddingExtractor.process
    monkeypatch.setattr(
        embed_files.EmbeddingExtractor, "process", lambda *arguments: ran.append(1) or embedded(*arguments)
    )
    upload(app, *DIGITS)
    *_, after = app.session_state["remembered-embedded"].values()
    assert len(ran) == 1
    assert after.embedding.inputs == tuple(name for name, _, _ in DIGITS)
    np.testing.assert_array_equal(after.embedding.values[:5], before.embedding.values)
    app.get_by_key("embeddings-layer-efficientnet_lite0.tf").set_value("conv_stem").run()
    assert len(ran) == 1 + len(DIGITS)


def test_the_map_is_by_pca_until_umap_is_ready(app, monkeypatch):
    upload(app, *DIGITS)
    umap = Umap("umap")
    monkeypatch.setattr(umap_layout, "_worker", lambda: umap)
    app.get_by_key("embeddings-method").set_value("umap").run()
    assert not app.exception
    assert "of the variance." in text(app)
    assert [bar.text.startswith("UMAP: loading, ") for bar in progress(app)] == [True]
    umap.go.set()
    run_until(app, "UMAP keeps neighbors together; its axes")
    assert "of the variance." not in text(app)
    assert not progress(app)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_few_files_have_a_map_by_either_method(app, number, monkeypatch):
    upload(app, *DIGITS[:number])
    assert len(neighbors(app)) == number - 1
    umap = Umap("pca")
    umap.go.set()
    monkeypatch.setattr(umap_layout, "_worker", lambda: umap)
    app.get_by_key("embeddings-method").set_value("umap").run()
    assert not app.exception
    run_until(app, "UMAP needs 4 different vectors; this is PCA.")


def test_any_layer_averaged_or_not(app):
    upload(app, *DIGITS[:2])
    app.get_by_key("embeddings-network-image").set_value("squeezenet.caffe").run()
    assert "2 vectors of 512 numbers from features of SqueezeNet 1.1." in text(app)
    app.get_by_key("embeddings-layer-squeezenet.caffe").set_value("features.12").run()
    assert "2 vectors of 512 numbers from features.12" in text(app)
    app.get_by_key("embeddings-pool-squeezenet.caffe-features.12").set_value(False).run()
    assert not app.exception
    assert f"2 vectors of {512 * 14 * 14} numbers from features.12" in text(app)


def test_bad_files_are_told_and_the_others_are_shown(app):
    upload(app, DIGITS[0], ("bad.jpg", b"text", "image/jpeg"), DIGITS[1], DIGITS[1])
    assert "bad.jpg is not a picture" in text(app)
    assert {name for _, name in neighbors(app)} == {DIGITS[1][0], f"{DIGITS[1][0]} (2)"}
    assert not app.error
    upload(app, *[(f"{i}.jpg", b"text", "image/jpeg") for i in range(2)])
    assert [error.value.startswith("No file can be used; of the first: 0.jpg") for error in app.error] == [
        True
    ]
    upload(app, DIGITS[0], *[(f"{i}.jpg", b"text", "image/jpeg") for i in range(5)])
    assert not app.error
    assert app.dataframe[0].value["file"].tolist() == [f"{i}.jpg" for i in range(5)]


def test_more_files_than_allowed_are_cut_and_told(app):
    files = [(f"{i}.jpg", b"text", "image/jpeg") for i in range(100)]
    upload(app, DIGITS[0], *files)
    assert "Only the first 100 of 101 files are used." in text(app)
    assert len(app.dataframe[0].value) == 99


def test_a_zip_has_its_folders_for_groups(app):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data, _ in DIGITS:
            archive.writestr(f"all/kind{name[0]}/{name}", data)
    app.get_by_key("embeddings-way").set_value("Zip").run()
    app.get_by_key("embeddings-zip").set_value(("digits.zip", stream.getvalue(), "application/zip")).run()
    assert not app.exception
    assert "6 vectors" in text(app)
    assert app.get_by_key("embeddings-color-Group-Nothing-Clusters").value == "Group"
    assert all(name.startswith("kind") for _, name in neighbors(app))
    app.get_by_key("embeddings-zip").set_value(("bad.zip", b"text", "application/zip")).run()
    assert [error.value for error in app.error] == ["bad.zip is not a complete zip file."]


def test_a_batch_of_the_owner_is_shown_with_its_vectors(tmp_path, monkeypatch):
    for name, data, _ in DIGITS:
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name, _, _ in DIGITS]
    vectors = np.repeat(np.eye(3, 32, dtype=np.float32), 2, axis=0)
    batch = make_folder(tmp_path / "digits", vectors, paths=paths)
    monkeypatch.setenv(offered_batches.VARIABLE, str(batch.path))
    app = AppTest.from_file(str(PAGES / "embeddings.py"), default_timeout=200).run()
    app.get_by_key("embeddings-way").set_value("Batch").run()
    assert not app.exception
    assert app.get_by_key("embeddings-batch-image").options == ["digits"]
    assert "6 vectors of 32 numbers from layer of A network" in text(app)
    assert neighbors(app)[0] == (1.0, f"{tmp_path.name}/{DIGITS[1][0]}")
    assert str(tmp_path) not in text(app)


def test_the_samples(app):
    app.get_by_key("embeddings-way").set_value("Sample").run()
    assert "80 vectors" in text(app)
    assert [name[0] for _, name in neighbors(app)].count("0") >= 3
    app.get_by_key("embeddings-kind").set_value("audio").run()
    assert not app.exception
    assert "from pool of YAMNet" in text(app)
    assert len(app.get("plotly_chart")) == 3
    assert len(app.get("audio")) == 6
    assert all(name.startswith("bicycle-bell.wav, ") for _, name in neighbors(app))
    app.get_by_key("embeddings-others").set_value(True).run()
    assert all(name.startswith("melody.wav, ") for _, name in neighbors(app))
    app.get_by_key("embeddings-point-False").set_value("File").run()
    assert not app.exception
    assert "2 vectors of 1024 numbers" in text(app)


def test_sounds_beyond_ten_minutes_are_left_out(app):
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(601 * 8000, np.int16), 8000, format="flac")
    app.get_by_key("embeddings-kind").set_value("audio").run()
    upload(app, tone(440), ("long.flac", stream.getvalue(), "audio/flac"), tone(880), kind="audio")
    assert "long.flac would make more than 10 minutes of sound in all, and is left out." in text(app)
    assert {name.split(",")[0] for _, name in neighbors(app)} == {"440.wav", "880.wav"}


def test_many_recordings_are_a_point_each(app):
    app.get_by_key("embeddings-kind").set_value("audio").run()
    upload(app, *[tone(hertz) for hertz in range(300, 900, 100)], kind="audio")
    assert "6 vectors of 1024 numbers" in text(app)
    assert len(app.get("plotly_chart")) == 2
