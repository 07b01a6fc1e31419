"""Classes are taught in a real browser, and what became of it is read off the page."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

import zoo
from tests.browser.reading import WAIT, expect_text, metric, narrow, scrolled_to, settled, upload, wide


def color(path: Path, rgb: tuple[int, int, int], seed: int) -> Path:
    """A picture of noise around a color."""
    noise = np.random.default_rng(seed).normal(rgb, 30, (64, 64, 3)).clip(0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise.astype(np.uint8)).save(path)
    return path


def zipped(folder: Path, to: Path) -> Path:
    """A zip of class folders."""
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*.jpg")):
            archive.write(path, path.relative_to(folder))
    return to


def upload_zip(page: Page, path: Path) -> None:
    settled(page)
    page.get_by_text("Zip", exact=True).click()
    page.get_by_role("region", name="A zip").wait_for()
    upload(page, path, to="A zip")


def teach(page: Page) -> None:
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Teach").click()


@narrow
def test_two_colors_are_taught_tried_and_known_on_the_page_pictures(page, address, tmp_path):
    page.goto(f"{address}/teach")
    for name, rgb, number in (("red", (200, 40, 40), 1), ("blue", (40, 40, 200), 2)):
        files = [color(tmp_path / name / f"{i}.png", rgb, 10 * number + i) for i in range(6)]
        upload(page, *files, to=f"Examples of Class {number}")
        if number == 1:  # a browser that is given two sets of files within milliseconds may lose one
            expect_text(page, "Add examples of a second class.")
    expect_text(page, "6 of Class 1, 6 of Class 2")
    expect_text(page, "Advice: classic classifier.")
    teach(page)
    assert metric(page, "Accuracy") == "100.0%"
    new = color(tmp_path / "new.png", (40, 40, 200), 99)
    upload(page, new, to="Pictures")
    expect_text(page, re.compile(r"^Class 2, \d+% sure"))
    settled(page)
    if page.viewport_size["width"] < 800:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Pictures").click()
    expect(page.get_by_role("heading", name="Pictures")).to_be_visible(timeout=WAIT)
    page.keyboard.press("Escape")
    upload(page, new)
    expect_text(page, re.compile("^SqueezeNet 1.1: "))
    settled(page)
    expect(page.get_by_text(re.compile("taught Class 1 or Class 2"))).to_have_count(
        0
    )  # it is not chosen unasked
    scrolled_to(page.get_by_role("combobox", name="Networks")).fill("class 1 or")
    page.keyboard.press("Enter")
    expect_text(page, "EfficientNet-Lite0 taught Class 1 or Class 2: Class 2")


@wide
def test_ants_and_bees_are_taught_to_over_90_percent(page, address, media, tmp_path):
    """The training pictures, of which a fifth is held out: 49; and a fifth of the others."""
    page.goto(f"{address}/teach")
    upload_zip(page, zipped(media / "ants-bees" / "train", tmp_path / "ants-bees.zip"))
    expect_text(page, "245 images: 124 of ants, 121 of bees.")
    expect_text(page, "Advice: new head.")
    settled(page)
    page.get_by_text("Classic classifier", exact=True).click()
    teach(page)
    assert float(metric(page, "Accuracy").rstrip("%")) > 90
    assert metric(page, "Held out") == "49"
    expect_text(page, "held-out examples are classified correctly")
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Network", exact=True).click()
    zipfile.ZipFile(waiting.value.path()).extractall(tmp_path)
    others = zoo.dataset(media / "ants-bees", split="val")
    fifth = others.take(range(0, len(others), 5))
    assert zoo.evaluate(fifth, network=str(tmp_path / "network")).accuracy > 0.9


@wide
def test_a_bad_zip_is_one_sentence_and_the_page_still_works(page, address, tmp_path):
    page.goto(f"{address}/teach")
    bad = tmp_path / "bad.zip"
    bad.write_text("this is text")
    upload_zip(page, bad)
    expect_text(page, "bad.zip is not a complete zip file.")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for label, rgb in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
            for i in range(3):
                path = color(tmp_path / label / f"{i}.png", rgb, i + rgb[0])
                archive.write(path, f"{label}/{path.name}")
    good = tmp_path / "good.zip"
    good.write_bytes(stream.getvalue())
    upload(page, good, to="A zip")
    expect_text(page, "6 images: 3 of blue, 3 of red.")
