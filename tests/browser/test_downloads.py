"""Networks that are not here, in a real browser: no key press downloads one, and a button does."""

import http.server
import re
import shutil
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, settled, upload, wide
from tests.browser.serving import served
from tests.vision.test_caffe_networks import caffemodel
from zoo.hub import weights
from zoo.inference.engines.onnx import graph_path
from zoo.vision.googlenet import GoogLeNet

PLACES = zoo.describe("googlenet.places365").sources[0].url
HERE = ("squeezenet.caffe", "efficientnet_lite0.tf")
PYTORCH = "download.pytorch.org:443"
UNREACHABLE = "ResNet-50 could not be downloaded: download.pytorch.org cannot be reached."


class Internet:
    """A proxy behind which is one file, whose second half comes when a test lets it."""

    def __init__(self, file: bytes):
        self.file, self.requests, self.go_on = file, [], threading.Event()

    def handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        internet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                internet.requests.append(self.path)
                file = internet.file if self.path == PLACES else b""
                self.send_response(200 if file else 404)
                self.send_header("Content-Length", str(len(file)))
                self.end_headers()
                sent = len(file) // 2
                try:
                    self.wfile.write(file[:sent])
                    while not internet.go_on.wait(1):  # byte by byte, or the download would time out
                        self.wfile.write(file[sent : sent + 1])
                        sent += 1
                    self.wfile.write(file[sent:])
                except OSError:  # who asked is gone
                    self.close_connection = True

            def do_CONNECT(self):
                internet.requests.append(self.path)
                self.send_error(502)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture(scope="module")
def internet() -> Iterator[tuple[Internet, str]]:
    """The proxy and its address."""
    internet = Internet(caffemodel(GoogLeNet(365), "layer"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), internet.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield internet, f"http://127.0.0.1:{server.server_port}"
        internet.go_on.set()
        server.shutdown()


@pytest.fixture(scope="module")
def fresh(internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the app is served with two networks in its cache, and with their graphs if there are some."""
    cache, (_, proxy) = tmp_path_factory.mktemp("cache"), internet
    for name in HERE:
        for file in (weights.fetch(name), graph_path(zoo.describe(name))):
            for source in file.parent.glob(f"{file.stem}.*"):
                (cache / source.parent.name).mkdir(exist_ok=True)
                shutil.copy2(source, cache / source.parent.name)
    with served(ZOO_CACHE=str(cache), http_proxy=proxy, https_proxy=proxy) as (url, _):
        yield url


def choose(page: Page, text: str) -> None:
    """Type into the list of networks, and press Enter."""
    settled(page)
    page.get_by_role("combobox", name="Networks").fill(text)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")  # while the list is open, the rest of the page is hidden from readers


def chips(page: Page) -> Locator:
    return page.get_by_test_id("stMultiSelect").locator("[data-tag]")


def press(page: Page, button: str) -> None:
    settled(page)
    page.get_by_role("button", name=button, exact=True).click()


@wide
def test_enter_takes_one_network_and_only_a_button_downloads_it(page, fresh, internet):
    page.goto(f"{fresh}/pictures")
    upload(page, zoo.sample("cat.png"))
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    before = list(internet[0].requests)
    choose(page, "resnet50")
    expect_text(page, "ResNet-50 is not downloaded yet.")
    expect(chips(page)).to_have_count(3)
    assert internet[0].requests == before == []
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")  # what is here goes on
    press(page, "Download (102 MB)")
    expect_text(page, f"{UNREACHABLE} Already here: SqueezeNet 1.1, EfficientNet-Lite0.")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    press(page, "Remove")
    expect(chips(page)).to_have_count(2)
    expect(page.get_by_text("ResNet-50")).to_have_count(0)


@wide
def test_a_download_is_stopped_begun_again_and_its_network_stays_chosen(page, fresh, internet):
    page.goto(f"{fresh}/compare")  # where a network is not loaded before it is measured
    choose(page, "places")
    press(page, "Download (25 MB)")
    expect_text(page, re.compile(r"Downloading GoogLeNet Places365: \d+ of 25 MB"))
    press(page, "Stop")
    expect(page.get_by_role("button", name="Download (25 MB)")).to_be_visible()
    expect(page.get_by_text(re.compile("^Downloading"))).to_have_count(0)
    internet[0].go_on.set()
    press(page, "Download (25 MB)")
    expect(chips(page).last).to_contain_text("GoogLeNet Places365 ✓")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("slider", name="Passes").press("Home")  # the browser sends what it shows as chosen
    settled(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(chips(page)).to_have_count(3)
    expect(chips(page).last).to_contain_text("GoogLeNet Places365 ✓")


@wide
def test_a_network_that_is_not_here_costs_a_comparison_only_itself(page, fresh, internet):
    before = internet[0].requests.count(PYTORCH)
    page.goto(f"{fresh}/compare")
    choose(page, "resnet50")
    expect_text(page, "ResNet-50 is not downloaded yet.")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("slider", name="Passes").press("Home")
    expect(page.get_by_role("slider", name="Passes")).to_have_value("3")
    press(page, "Remove EfficientNet-Lite0 · efficientnet_lite0.tf ✓")
    expect(chips(page)).to_have_count(2)
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Compare").click()
    left_out = page.get_by_text("ResNet-50 is left out: it is not downloaded.")
    expect(left_out).to_be_visible(timeout=3 * WAIT)  # once the other one is measured
    expect_text(page, re.compile(r"^Measured on .*, 3 passes"))
    expect(page.get_by_test_id("stMetric").filter(has_text="Fastest: SqueezeNet 1.1")).to_be_visible()
    assert internet[0].requests.count(PYTORCH) == before, "a comparison downloads nothing"
