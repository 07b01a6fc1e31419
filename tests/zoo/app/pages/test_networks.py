"""The page Networks: table and filters, links, the card with its layers, and the field measured here."""

import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.components import accuracy_latency_chart
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.workspaces import Workspace
from zoo.benchmark.compare import Comparison, Measurement
from zoo.core.errors import EngineError

PAGE = Path(zoo.__file__).parent / "app" / "pages" / "networks.py"


def opened(link: str | None = None, view: str | None = None) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    if link is not None:
        app.query_params["network"] = link
    app.run()
    if view:
        app.get_by_key("networks-view").set_value(view).run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def figures(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def test_the_table_and_a_record():
    app = opened()
    assert list(app.dataframe[0].value["name"]) == zoo.networks()
    assert app.dataframe[0].proto.column_order[0] == "here"
    labels = app.get_by_key("networks-network").options
    marks = [label.endswith("✓") for label in labels]
    assert marks == sorted(marks, reverse=True)
    assert marks[0]
    assert any("resnet50" in label for label in labels)
    for word in ("Preprocessing", "Fidelity", "License", "Citation", "BSD-2-Clause", "sha256"):
        assert word in text(app)
    app.get_by_key("networks-network").select("yamnet.audioset").run()
    assert "AudioSet" in text(app)
    assert [metric.value for metric in app.metric][2] == "28"
    assert app.query_params["network"] in ("yamnet", ["yamnet"])


def test_filters():
    app = opened()
    app.get_by_key("networks-modality").select("audio").run()
    assert list(app.dataframe[0].value["name"]) == zoo.networks("audio")
    app.get_by_key("networks-task").select("events").run()
    assert list(app.dataframe[0].value["name"]) == zoo.networks("audio", task="events")
    assert app.get_by_key("networks-network").value == "yamnet.audioset"
    app.get_by_key("networks-modality").set_value([]).run()
    app.get_by_key("networks-task").set_value([]).run()
    app.get_by_key("networks-search").input("ResNet 50").run()
    assert {name.partition(".")[0] for name in app.dataframe[0].value["name"]} == {"resnet50"}
    app.get_by_key("networks-search").input("nonsense").run()
    assert "No network fits" in text(app)


@pytest.mark.parametrize(
    ("link", "name"), [("yamnet", "yamnet.audioset"), (" ResNet50.keras", "resnet50.keras"), ("", None)]
)
def test_a_link_opens_its_network(link, name):
    app = opened(link)
    if name:
        assert app.get_by_key("networks-network").value == name
        assert not app.error
        app.get_by_key("networks-network").select("vgg16.tv").run()  # from now on the box leads
        assert app.get_by_key("networks-network").value == "vgg16.tv"
        app.run()
        assert app.get_by_key("networks-network").value == "vgg16.tv"
    else:
        assert [error.value.endswith("which is not offered here.") for error in app.error] == [True]


@pytest.mark.parametrize("link", ["yamnett", "hf:owner/secret", "/etc", "<b>x</b>" * 100])
def test_a_link_to_no_network_is_one_sentence_and_nothing_is_looked_up(link, monkeypatch):
    monkeypatch.setattr(zoo.hub.registry, "_from_hub", None)
    app = opened(link)
    assert len(app.error) == 1
    assert app.error[0].value.startswith("The link names the network")
    assert len(app.error[0].value) < 200
    assert ("yamnet" in app.error[0].value) == (link == "yamnett")
    assert app.get_by_key("networks-network").value == zoo.networks()[0]
    app.get_by_key("networks-network").select("vgg16.tv").run()
    assert not app.error


def test_a_convolution_shows_its_maps_and_the_head_its_classes():
    app = opened("squeezenet", "Layers")
    assert "- Out: 64 × 113 × 113" in text(app)
    assert "Upload a picture, or choose a sample." in text(app)
    app.get_by_key("networks-layer-squeezenet.caffe").select("features.3.squeeze").run()
    assert "- Parameters: 1,040" in text(app)
    assert "- In: 64 × 56 × 56 from `features.2`" in text(app)
    app.get_by_key("networks-image-way").set_value("Sample").run()
    assert not app.exception
    assert len(app.get("image")) == 16
    assert "The strongest of 16 channels" in text(app)
    assert "of them zero" in text(app)
    app.get_by_key("networks-network").select("efficientnet_lite0.tf").run()
    app.get_by_key("networks-view").set_value("Layers").run()
    app.get_by_key("networks-layer-efficientnet_lite0.tf").select("classifier").run()
    app.get_by_key("networks-image-way").set_value("Sample").run()
    assert not app.exception
    bars = next(f for f in figures(app) if f["data"][0].get("orientation") == "h")
    assert "Egyptian cat" in bars["layout"]["yaxis"]["ticktext"][:3]


def test_a_bad_picture_is_one_sentence():
    app = opened("squeezenet", "Layers")
    app.file_uploader[0].set_value([("bad.jpg", b"this is text", "image/jpeg")]).run()
    assert not app.exception
    assert [error.value.startswith("bad.jpg is not a picture") for error in app.error] == [True]


def test_steps_between_layers_and_blocks():
    app = opened("squeezenet", "Layers")
    layer = app.get_by_key("networks-layer-squeezenet.caffe")
    layer.select("features.3.cat").run()
    assert "This step is not a layer." in text(app)
    detail = app.get_by_key("networks-detail-squeezenet.caffe-The whole network")
    assert detail.value == 3
    detail.set_value(2).run()
    assert not app.exception
    app.get_by_key("networks-layer-squeezenet.caffe").select("features.3").run()
    assert "a block of several steps" in text(app)
    app.get_by_key("networks-inside").click().run()
    assert not app.exception
    assert app.get_by_key("networks-part-squeezenet.caffe").value == "features.3"
    (points,) = [
        {point[0] for trace in f["data"] for point in trace.get("customdata", [])} for f in figures(app)
    ]
    assert {"features.3.squeeze", "features.3.cat", "features.2"} <= points
    assert "features.12" not in points


def test_sounds_are_seen_over_time_and_by_window():
    app = opened("yamnet", "Layers")
    app.get_by_key("networks-layer-yamnet.audioset").select("layer14.1").run()
    app.get_by_key("networks-audio-way").set_value("Sample").run()
    assert not app.exception
    assert "Below: the window from" in text(app)
    assert "Time runs from left to right" in text(app)
    window = app.get_by_key("networks-window-yamnet.audioset")
    window.set_value(0.96).run()
    assert "the window from 0.96 to 1.92 s" in text(app)
    app.get_by_key("networks-layer-yamnet.audioset").select("logits").run()
    assert any("Bicycle bell" in json.dumps(f["data"]) for f in figures(app))


def test_pitch_has_lines_of_channels():
    app = opened("crepe.tiny", "Layers")
    app.get_by_key("networks-layer-crepe.tiny").select("block3.conv").run()
    app.get_by_key("networks-melody-way").set_value("Sample").run()
    assert not app.exception
    assert not app.get("image")
    assert any(f["layout"].get("xaxis", {}).get("title", {}).get("text") == "position" for f in figures(app))


def test_a_network_whose_weights_are_elsewhere_has_graph_and_table_and_says_what_they_cost(empty_cache):
    app = opened("squeezenet", "Layers")
    assert len(figures(app)) == 1
    assert "features.3.squeeze" in app.dataframe[1].value["layer"].tolist()
    assert "**SqueezeNet 1.1** is not downloaded yet." in text(app)
    assert app.get_by_key("missing-download").label == "Download (5 MB)"


def test_layers_of_a_network_that_is_not_here_lead_to_one_that_is(monkeypatch):
    monkeypatch.setattr(state, "is_here", lambda name: name == "yamnet.audioset")
    app = opened("squeezenet", "Layers")
    app.get_by_key("missing-change").click().run()
    assert app.get_by_key("networks-network").value == "yamnet.audioset"


def test_the_field_is_as_published_and_measured_on_this_machine(monkeypatch):
    monkeypatch.setattr(accuracy_latency_chart, "is_here", lambda name: name == "squeezenet.caffe")
    bench = accuracy_latency_chart.bench()
    assert bench.queue is state.job_queue()  # it does not measure while somebody trains
    app = opened()
    app.session_state["networks-charts"] = True
    app.run()
    assert "published in" in text(app)
    app.get_by_key("networks-times").set_value("Measured here").run()
    assert not app.exception
    app.get_by_key("networks-measure").click().run()
    assert app.get_by_key("networks-measure").disabled
    end = time.monotonic() + 200
    while bench.busy and time.monotonic() < end:
        time.sleep(0.5)
    app.run()
    assert not app.exception
    table = app.dataframe[1].value
    assert table["network"].tolist() == ["squeezenet.caffe"]
    assert table["relative_time"].tolist() == [1]
    assert table["latency_ms"][0] > 0
    assert "Measured here: cpu" in text(app) or "Measured here: NVIDIA" in text(app)
    other = opened()  # of another visitor: it is about the machine
    other.session_state["networks-charts"] = True
    other.run()
    other.get_by_key("networks-times").set_value("Measured here").run()
    assert other.dataframe[1].value.equals(table)


def measurement(name: str) -> Comparison:
    row = Measurement(name, name, "torch", 1.0, 1.0, None, 1.0, 1.0, 1.0, 50.0, None, None)
    return Comparison((row,), "cpu", "fp32", 1, 5, 1)


def finished(bench: accuracy_latency_chart.Bench) -> accuracy_latency_chart.Bench:
    end = time.monotonic() + 60
    while bench.busy and time.monotonic() < end:
        time.sleep(0.01)
    return bench


@pytest.fixture
def watcher(tmp_path) -> Workspace:
    return Workspace(tmp_path / "watcher")


def test_what_was_measured_before_it_was_stopped_is_kept(monkeypatch, watcher):
    bench, begun = accuracy_latency_chart.Bench(JobQueue()), []

    def compare(names, **options):
        begun.append(names[0])
        while bench.job is None:  # the line begins at once
            time.sleep(0.01)
        if len(begun) == 3:
            bench.job.stop()
        options["progress"](0, 1)  # as `zoo.compare` calls it while a network is measured
        return measurement(names[0])

    monkeypatch.setattr(zoo, "compare", compare)
    bench.begin(["alexnet", "vgg16", "vgg19"], watcher)
    result = finished(bench).job.result
    assert begun == ["alexnet", "vgg16", "vgg19"]
    assert [row.network for row in result.rows] == ["alexnet", "vgg16"]


def test_a_network_that_cannot_be_measured_leaves_the_others(monkeypatch, watcher):
    def compare(names, **options):
        if names == ["vgg16"]:
            raise EngineError("vgg16 could not be measured: no memory.")
        return measurement(names[0])

    monkeypatch.setattr(zoo, "compare", compare)
    bench = accuracy_latency_chart.Bench(JobQueue())
    bench.begin(["alexnet", "vgg16"], watcher)
    assert [row.network for row in finished(bench).job.result.rows] == ["alexnet"]
    assert bench.missed == ["vgg16 could not be measured: no memory."]
    bench.begin(["vgg16"], watcher)
    assert finished(bench).job.result is None


def test_a_measurement_ends_with_the_last_session_that_watches_it(monkeypatch, tmp_path):
    def compare(names, **options):
        while True:
            options["progress"](0, 1)
            time.sleep(0.01)

    monkeypatch.setattr(zoo, "compare", compare)
    first, second, gone = (Workspace(tmp_path / name) for name in ("first", "second", "gone"))
    bench = accuracy_latency_chart.Bench(JobQueue())
    bench.begin(["alexnet"], first)
    bench.watch(second)
    job = bench.job
    first.close()
    assert not job.finished
    second.close()
    assert job.state == "stopped"
    assert job.wait(60)
    assert bench.job is None  # the next visitor finds no measurement that somebody else stopped
    gone.close()
    bench.begin(["alexnet"], gone)
    assert bench.job is None
