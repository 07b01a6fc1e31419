"""The page Pictures: what several networks say, whether they agree, and where they look."""

import gc
import http.server
import io
import threading
import weakref
from pathlib import Path

import pytest
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.core.errors import WeightsError
from zoo.vision import decoding

PAGE = Path(zoo.__file__).parent / "app" / "pages" / "pictures.py"
BROKEN = [("empty", b""), ("text", b"this is text"), ("program", b"\x7fELF" + bytes(3000))]
PLACES = "googlenet.places365"


def opened() -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120).run()
    assert not app.exception
    return app


@pytest.fixture
def app() -> AppTest:
    """The page after its first run, which must not fail."""
    return opened()


@pytest.fixture
def photos(media) -> list[tuple[str, bytes, str]]:
    """A bird that both networks know, and one that only one of them does."""
    names = ("ruddy_turnstone", "oystercatcher")
    paths = [next((media / "photos").glob(f"*_{name}.jpg")) for name in names]
    return [(path.name, path.read_bytes(), "image/jpeg") for path in paths]


@pytest.fixture
def untrained_places(monkeypatch) -> None:
    """The network of scenes, without its weights, which are not here."""
    monkeypatch.setattr(state, "is_here", lambda name: True)
    network, places = state.network, zoo.load(PLACES, weights=None, engine="torch")
    monkeypatch.setattr(state, "network", lambda name: places if name == PLACES else network(name))


def cat(name: str = "cat.png") -> tuple[str, bytes, str]:
    return (name, zoo.sample("cat.png").read_bytes(), "image/png")


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def captions(app: AppTest) -> list[str]:
    return [image.caption for element in app.get("image") for image in element.proto.imgs]


def test_two_networks_side_by_side_and_whether_they_agree(app, photos):
    app.file_uploader[0].set_value(photos).run()
    assert not app.exception
    assert not app.error
    assert charts(app) == 4
    for line in (
        "**EfficientNet-Lite0**: ruddy turnstone",
        "**SqueezeNet 1.1**: ruddy turnstone",
        "2 of 2 agree: ruddy turnstone",
        "**EfficientNet-Lite0**: oystercatcher",
        "The 2 networks disagree",
        "SqueezeNet 1.1 and EfficientNet-Lite0 give the same answer for **1 of 2** pictures.",
    ):
        assert line in text(app)
    app.multiselect[0].set_value(["squeezenet.caffe"]).run()
    assert "agree" not in text(app)
    assert charts(app) == 2


def test_the_same_picture_twice_is_shown_twice(app):
    app.file_uploader[0].set_value([cat(), cat()])
    app.get_by_key("pictures-where").set_value(True).run()
    assert not app.exception
    assert charts(app) == 4
    assert len(captions(app)) == 6


def test_the_camera_and_the_samples(app):
    app.get_by_key("pictures-way").set_value("Sample").run()
    assert "**SqueezeNet 1.1**: Egyptian cat" in text(app)
    app.get_by_key("pictures-way").set_value("Camera").run()
    app.camera_input[0].set_value(("camera.jpg", cat()[1], "image/jpeg")).run()
    assert "**SqueezeNet 1.1**: Egyptian cat" in text(app)


def test_the_address_names_networks(monkeypatch):
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.query_params["network"] = "squeezenet"
    app.run()
    assert app.multiselect[0].value == ["squeezenet.caffe"]
    app.multiselect[0].set_value(["efficientnet_lite0.tf", "resnet18.tv"]).run()
    assert app.query_params["network"] == "efficientnet_lite0.tf,resnet18.tv"
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.query_params["network"] = "yamnet"
    app.run()
    assert not app.exception
    assert ["not offered here" in error.value for error in app.error] == [True]
    assert app.multiselect[0].value == ["squeezenet.caffe", "efficientnet_lite0.tf"]


def test_without_a_network_the_page_says_so(app):
    app.get_by_key("pictures-way").set_value("Sample").run()
    app.multiselect[0].set_value([]).run()
    assert "Choose a network" in text(app)


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[name for name, _ in BROKEN])
def test_a_bad_picture_is_one_sentence_and_the_others_are_shown(app, name, data):
    app.file_uploader[0].set_value([(f"{name}.jpg", data, "image/jpeg"), cat()]).run()
    assert not app.exception
    assert [error.value.startswith(f"{name}.jpg is") for error in app.error] == [True]
    assert "Egyptian cat" in text(app)


def test_where_it_looks_is_computed_when_asked_for_and_once(app, photos, monkeypatch):
    explain, requests = zoo.Network.explain, []

    def counted(net, x, **options):
        requests.append((net.name, options["target"], options["method"]))
        return explain(net, x, **options)

    monkeypatch.setattr(zoo.Network, "explain", counted)
    app.file_uploader[0].set_value(photos[:1]).run()
    assert requests == []
    app.get_by_key("pictures-where").set_value(True).run()
    assert requests == [("squeezenet.caffe", 139, "gradcam"), ("efficientnet_lite0.tf", 139, "gradcam")]
    assert "Grad-CAM at the layer features.12" in captions(app)
    assert "Grad-CAM at the layer bn2" in captions(app)
    app.get_by_key("pictures-opacity").set_value(20).run()
    app.get_by_key("pictures-top").set_value(3).run()
    assert len(requests) == 2
    choice = next(box for box in app.selectbox if box.label == "Where it finds")
    assert choice.value == 139
    assert choice.options[0] == "ruddy turnstone"
    assert len(choice.options) == 10
    choice.select_index(1).run()
    assert not app.exception
    assert len(requests) == 3
    assert requests[2][:1] == ("squeezenet.caffe",)
    assert requests[2][1] != 139


def test_occlusion(app, photos):
    app.multiselect[0].set_value(["squeezenet.caffe"])
    app.get_by_key("pictures-where").set_value(True)
    app.file_uploader[0].set_value(photos[:1]).run()
    app.get_by_key("pictures-method").set_value("occlusion").run()
    assert not app.exception
    assert "Occlusion" in captions(app)


def test_what_is_stopped_stays_so_for_all_pictures_until_it_is_started_again(app, photos, monkeypatch):
    explain, requests = zoo.Network.explain, []

    def stop_at_second(net, x, **options):
        requests.append(net.name)
        if len(requests) == 2:
            state._halt()
            raise RerunException(RerunData())  # as Streamlit does at the next chance after a click
        return explain(net, x, **options)

    monkeypatch.setattr(zoo.Network, "explain", stop_at_second)
    app.get_by_key("pictures-where").set_value(True)
    app.file_uploader[0].set_value(photos).run()
    assert not app.exception
    assert "Stopped." in text(app)
    assert captions(app).count("Grad-CAM at the layer features.12") == 1
    assert "**SqueezeNet 1.1**: oystercatcher" not in text(app)
    app.get_by_key("pictures-top").set_value(2).run()
    assert "Stopped." in text(app)
    assert len(requests) == 2
    app.get_by_key("start-again").click().run()
    assert "Stopped." not in text(app)
    assert len(requests) == 5, "what was computed is not computed again"
    assert charts(app) == 4
    assert len(captions(app)) == 6


def test_stop_concerns_what_runs_now_also_if_the_method_changed_just_before(app, photos):
    app.multiselect[0].set_value(["squeezenet.caffe"])
    app.get_by_key("pictures-where").set_value(True)
    app.file_uploader[0].set_value(photos[:1]).run()
    app.get_by_key("pictures-method").set_value("occlusion")
    app.session_state["stop-clicked"] = True  # the button of the work before
    app.run()
    assert "Stopped." in text(app)
    assert "Occlusion" not in captions(app)
    app.get_by_key("start-again").click().run()
    assert "Occlusion" in captions(app)


def test_a_tiny_picture_has_its_name_below_it_and_not_within_its_width(app):
    stream = io.BytesIO()
    Image.new("RGB", (12, 9)).save(stream, "PNG")
    app.file_uploader[0].set_value([("a_tiny_picture.png", stream.getvalue(), "image/png"), cat()]).run()
    assert captions(app) == ["", "cat.png"]
    assert "a_tiny_picture.png" in text(app)


def test_a_heat_map_says_what_the_network_does_not_see_and_can_be_saved(app, photos):
    app.get_by_key("pictures-where").set_value(True)
    app.file_uploader[0].set_value(photos[:1]).run()
    assert text(app).count("The network does not see the faded margin") == 2
    labels = [button.label for button in app.get("download_button")]
    assert labels == ["Heat map as PNG", "Heat map as PNG", "CSV", "JSON"]


def test_answers_belong_to_a_session_and_are_given_once_in_it(monkeypatch):
    classify, requests = zoo.Network.classify, []

    def counted(net, x, **options):
        requests.append(net.name)
        return classify(net, x, **options)

    monkeypatch.setattr(zoo.Network, "classify", counted)
    for sessions in (1, 2):
        app = opened()
        app.file_uploader[0].set_value([cat()]).run()
        app.get_by_key("pictures-top").set_value(2).run()
        assert len(requests) == 2 * sessions


def test_a_network_that_cannot_be_loaded_is_said_once_and_the_others_answer(app, photos, monkeypatch):
    network = state.network

    def damaged(name: str) -> zoo.Network:
        if name == "efficientnet_lite0.tf":
            raise WeightsError("The weights are damaged.")
        return network(name)

    monkeypatch.setattr(state, "network", damaged)
    app.file_uploader[0].set_value(photos).run()
    assert not app.exception
    assert [error.value for error in app.error] == ["The weights are damaged."]
    assert charts(app) == 2
    assert "**SqueezeNet 1.1**: ruddy turnstone" in text(app)


@pytest.mark.usefixtures("untrained_places")
def test_scenes_are_named_as_such_and_agree_with_scenes_only(photos):
    app = opened()
    assert app.multiselect[0].options[-1].startswith("Scenes: GoogLeNet Places365")
    assert sum(option.startswith("Scenes: ") for option in app.multiselect[0].options) == 1
    app.multiselect[0].set_value(["squeezenet.caffe", PLACES, "efficientnet_lite0.tf"])
    app.file_uploader[0].set_value(photos[:1]).run()
    assert not app.exception
    assert charts(app) == 3
    assert "2 of 2 agree: ruddy turnstone" in text(app)


@pytest.fixture
def site():
    """A site on this machine with a picture and a page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = cat()[1] if self.path == "/cat.png" else b"<html>no picture</html>"
            self.send_response(404 if self.path == "/absent" else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_link(app, site, monkeypatch):
    monkeypatch.setenv("ZOO_LOCAL_LINKS", "1")
    app.get_by_key("pictures-way").set_value("Link").run()
    assert not app.error
    assert charts(app) == 0
    app.text_input[0].input(f"{site}/cat.png").run()
    assert "**SqueezeNet 1.1**: Egyptian cat" in text(app)
    assert "cat.png" in captions(app)
    for link, words in (
        (f"{site}/absent", "127.0.0.1 answers 404"),
        (f"{site}/page.html", "page.html is not a picture"),
        ("cat.png", "must begin with http"),
    ):
        app.text_input[0].input(link).run()
        assert not app.exception
        assert [words in error.value for error in app.error] == [True]
        assert charts(app) == 0


def test_a_link_into_the_servers_own_network_is_refused(app, site):
    app.get_by_key("pictures-way").set_value("Link").run()
    app.text_input[0].input(f"{site}/cat.png").run()
    assert [error.value for error in app.error] == [
        "127.0.0.1 is in a private network, where links are not followed."
    ]


def test_results_can_be_downloaded(app):
    assert not app.get("download_button")
    app.get_by_key("pictures-way").set_value("Sample").run()
    assert [button.label for button in app.get("download_button")] == ["CSV", "JSON"]


def test_pictures_share_a_budget_of_pixels(app, photos, monkeypatch):
    monkeypatch.setenv("ZOO_MAX_REQUEST_PIXELS", "300000")
    cat_ = cat()  # 451 × 300
    app.file_uploader[0].set_value([cat_, ("second.png", *cat_[1:]), ("third.png", *cat_[1:])]).run()
    assert not app.exception
    assert charts(app) == 4
    assert [error.value.split(":")[0] for error in app.error] == ["third.png is left out"]


def test_no_picture_is_kept_in_full(app, photos, monkeypatch):
    decode, references = decoding.decode, []

    def watched(x):
        image = decode(x)
        if not isinstance(x, Image.Image):
            references.append(weakref.ref(image))
        return image

    monkeypatch.setattr(decoding, "decode", watched)
    app.file_uploader[0].set_value([*photos, cat()]).run()
    assert charts(app) == 6
    gc.collect()
    assert len(references) == 3
    assert [ref() for ref in references] == [None] * 3


def test_what_was_refused_is_not_decoded_again(app, monkeypatch):
    decode, requests = decoding.decode, []

    def counted(x):
        requests.append(x)
        return decode(x)

    monkeypatch.setattr(decoding, "decode", counted)
    app.file_uploader[0].set_value([("cut.png", cat()[1][:50_000], "image/png")]).run()
    app.get_by_key("pictures-top").set_value(2).run()
    assert ["cut.png is a damaged picture" in error.value for error in app.error] == [True]
    assert len(requests) == 1
