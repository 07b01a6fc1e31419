"""The page Pictures in a real browser: two networks side by side, where they look, and links."""

import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import zoo
from tests.browser.reading import WAIT, download, expect_text, narrow, scrolled_to, settled, upload, wide


@pytest.fixture
def photo(media) -> Path:
    return next((media / "photos").glob("*_ruddy_turnstone.jpg"))


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A site on this machine with one picture."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            is_cat = self.path == "/cat.png"
            self.send_response(200 if is_cat else 404)
            self.end_headers()
            self.wfile.write(zoo.sample("cat.png").read_bytes() if is_cat else b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fits(page: Page) -> bool:
    """Whether nothing is wider than the page."""
    settled(page)
    main = page.get_by_test_id("stMain")
    return main.evaluate("main => main.scrollWidth <= main.clientWidth")


def pixels_of(page: Page, alt: str) -> np.ndarray:
    """The pixels of a picture on the page."""
    image = page.get_by_alt_text(alt)
    expect(image).to_be_visible()
    content = page.request.get(image.evaluate("image => image.src")).body()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_two_networks_side_by_side(page, address, photo):
    page.goto(f"{address}/pictures")
    upload(page, photo)
    expect_text(page, "EfficientNet-Lite0: ruddy turnstone")
    expect_text(page, "SqueezeNet 1.1: ruddy turnstone")
    expect_text(page, "2 of 2 agree: ruddy turnstone")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    results = json.loads(download(page, "JSON"))
    assert [result["predictions"][0]["id"] for result in results] == ["n02025239"] * 2
    assert {result["input"] for result in results} == {photo.name}
    expect(page.locator(".js-plotly-plot .xtitle").first).to_contain_text("score of squeezenet.caffe")
    for chart in page.locator(".js-plotly-plot").all():
        box = chart.bounding_box()
        for words in chart.locator("text").all():
            inside = words.bounding_box()
            assert box["x"] - 1 <= inside["x"]
            assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 1, words.text_content()
    assert fits(page)


def show_heat_maps(page: Page, address: str, photo: Path) -> None:
    """The page with a photo and where two networks look in it."""
    page.goto(f"{address}/pictures")
    upload(page, photo)
    expect_text(page, "2 of 2 agree: ruddy turnstone")
    settled(page)
    page.get_by_text("Where it looks").click()
    expect_text(page, "Grad-CAM at the layer features.12")
    expect_text(page, "Grad-CAM at the layer bn2")


def test_where_they_look(page, address, photo):
    show_heat_maps(page, address, photo)
    before = pixels_of(page, f"The picture {photo.name}")
    for network in ("SqueezeNet 1.1", "EfficientNet-Lite0"):
        after = pixels_of(page, f"Where {network} finds ruddy turnstone in {photo.name}")
        assert after.shape == before.shape
        change = abs(after - before).sum(axis=2)
        visible = change[25:295, 105:375]
        assert change[115:215, 180:315].sum() > 0.5 * visible.sum(), "most color is on the bird"
        contrast = [pixels[:, :60].std() for pixels in (before, after)]
        assert contrast[1] < 0.5 * contrast[0], "what is cropped is faded"
    expect(page.get_by_text("The network does not see the faded margin")).to_have_count(2)
    assert fits(page)


@narrow
def test_where_they_find_another_class(page, address, photo):
    show_heat_maps(page, address, photo)
    choices = page.get_by_role("combobox", name="Where it finds")
    expect(choices).to_have_count(2)
    settled(page)
    scrolled_to(choices.first).click()
    page.get_by_role("option", name="redshank").click()
    expect(page.get_by_alt_text(f"Where SqueezeNet 1.1 finds redshank in {photo.name}")).to_be_visible()


@wide
def test_occlusion_shows_how_far_it_is_and_can_be_stopped_and_started_again(page, address, media):
    photos = [
        *sorted((media / "photos").glob("*.jpg"))[:4],
        zoo.sample("cat.png"),
    ]  # enough to see it at work
    page.goto(f"{address}/pictures?network=efficientnet_lite0")
    upload(page, *photos)
    expect_text(page, "EfficientNet-Lite0: tiger cat")
    settled(page)
    page.get_by_text("Where it looks").click()
    page.get_by_text("Occlusion", exact=True).wait_for()
    settled(page)  # Grad-CAM, which comes first, has a progress bar, too
    page.get_by_text("Occlusion", exact=True).click()
    bar = page.get_by_test_id("stProgress").filter(has_text="EfficientNet-Lite0 is running: ")
    expect(bar).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect_text(page, "Stopped.")
    expect(page.get_by_alt_text(re.compile("^Where EfficientNet-Lite0 finds .* in cat.png"))).to_have_count(0)
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_alt_text(re.compile("^Where EfficientNet-Lite0 finds "))).to_have_count(
        len(photos), timeout=WAIT
    )
    expect(page.get_by_text("Stopped.")).to_have_count(0)


@narrow
def test_the_name_of_a_tiny_picture_can_be_read(page, address, tmp_path):
    Image.new("RGB", (12, 9), "red").save(tmp_path / "a_tiny_picture.png")
    page.goto(f"{address}/pictures")
    upload(page, tmp_path / "a_tiny_picture.png")
    name = page.get_by_test_id("stCaptionContainer").get_by_text("a_tiny_picture.png")
    expect(name).to_be_visible(timeout=WAIT)
    assert name.bounding_box()["height"] < 40, "it is one line"


@wide
def test_a_wrong_link_leaves_the_page_usable(page, address):
    page.goto(f"{address}/pictures?network=nonsense&sample=nope.png")
    expect_text(page, "The link names the network 'nonsense', which is not offered here.")
    expect_text(page, "Unknown sample 'nope.png'; choose one of cat.png")
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    expect(page.get_by_role("combobox", name="Sample")).to_be_visible()


@wide
def test_a_link_and_a_bad_link(page, address, site):
    page.goto(f"{address}/pictures")
    page.get_by_text("Link", exact=True).click()
    box = page.get_by_label("Link to a picture")
    box.fill(f"{site}/absent.png")
    box.press("Enter")
    expect_text(page, "127.0.0.1 answers 404 (Not Found).")
    settled(page)  # while the page runs, it shows what moves down twice
    expect(page.get_by_role("combobox", name="Networks")).to_be_visible()
    expect(page.get_by_role("switch", name="Where it looks")).to_be_visible()
    box.fill(f"{site}/cat.png")
    box.press("Enter")
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    expect(page.get_by_text("answers 404")).to_have_count(0, timeout=WAIT)


@narrow
def test_a_bad_file_is_one_sentence_and_the_page_still_works(page, address, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("this is text")
    page.goto(f"{address}/pictures")
    upload(page, bad)
    expect_text(page, "bad.jpg is not a picture (JPEG, PNG, WebP, BMP, TIFF or GIF).")
    page.get_by_text("Sample", exact=True).click()
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
