"""Broken files are chosen in a real browser: one sentence each, and then a good one is answered.

What each kind of broken file is told is for the tests of the pages; here are those that the browser, the
server or Markdown could trip over.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import broken
from tests.browser.reading import WAIT, expect_text, metric, settled, upload, wide

TOO_LARGE = "Error: File must be 50.0MB or smaller."
OTHERS = {"svg": "image/svg+xml", "heic": "image/heif", "pdf": "application/pdf", "html": "text/html"}


@pytest.fixture
def write(tmp_path):
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def large(tmp_path):
    """300 MB of zeros by the name of some kind of file; sparse, so they take no room."""

    def large(kind: str) -> Path:
        path = tmp_path / f"large.{kind}"
        with path.open("wb") as stream:
            stream.truncate(300 << 20)
        return path

    return large


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    page.locator('input[type="file"]').first.wait_for(state="attached", timeout=WAIT)
    return page


def expect_alert(page: Page, name: str, why: str) -> None:
    """One alert, which is a sentence about the file."""
    alert = page.get_by_test_id("stAlert").filter(has_text=name)
    expect(alert).to_have_count(1, timeout=WAIT)
    expect(alert).to_contain_text(re.compile(rf"{why}.*\.$"))


@wide
def test_many_broken_pictures_and_a_good_one_at_once(page, address, write):
    opened(page, f"{address}/pictures")
    files = broken.pictures()
    upload(page, write("good.jpg", broken.photo()), *(write(*file) for file in files.items()))
    expect(page.get_by_test_id("stAlert")).to_have_count(len(files), timeout=WAIT)
    expect_alert(page, "bomb.png", "has 3600 million pixels")
    expect_alert(page, "elf.jpg", "is not a picture")
    expect_alert(page, "cut.png", "is a damaged picture")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)


@wide
def test_odd_names_are_shown_as_they_are(page, address, write):
    opened(page, f"{address}/pictures")
    names = [name.format("jpg") for name in broken.ODD_NAMES]
    upload(page, *(write(name, b"this is text") for name in names))
    expect(page.get_by_test_id("stAlert")).to_have_count(len(names), timeout=WAIT)
    for name in names:
        displayed_name = name.replace('"', "%22")  # as browsers write it
        expect(
            page.get_by_test_id("stAlert").filter(has_text=f"{displayed_name} is not a picture")
        ).to_have_count(1)


@wide
def test_other_kinds_and_too_much_are_refused_by_the_browser(page, address, write, large):
    opened(page, f"{address}/pictures")
    upload(page, large("jpg"), *(write(f"x.{kind}", broken.ANYTHING[kind]) for kind in OTHERS))
    box = page.get_by_test_id("stFileUploader")
    for kind in OTHERS.values():
        expect(box).to_contain_text(f"Error: {kind} files are not allowed.")
    expect(box).to_contain_text(TOO_LARGE)
    upload(page, write("good.jpg", broken.photo()))
    expect_text(page, re.compile("SqueezeNet 1.1: "))
    opened(page, f"{address}/compare")
    upload(page, large("png"))
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(TOO_LARGE)
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Compare")).to_be_enabled()


@wide
@pytest.mark.parametrize("path", ["sounds", "pitch"])
def test_broken_recordings_one_after_the_other_and_then_a_good_one(page, address, write, large, path):
    opened(page, f"{address}/{path}")
    upload(page, large("wav"))
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(TOO_LARGE)
    files = broken.sounds()
    for name, why in {
        "empty.wav": "is empty",
        "mz.wav": "is not a sound file that can be read",
        "elf.mp3": "is not a sound file that can be read",
        "nan.wav": "has samples that are not a number",
        "no samples.wav": "has no samples",
        "two hours.mp3": "lasts 72.. s or more, and 600 s are allowed",
    }.items():
        upload(page, write(name, files[name]))
        expect_alert(page, name, why)
        expect(page.get_by_test_id("stAlert")).to_have_count(1)
    upload(page, write("it's `*good*`.wav", broken.wav()))
    if path == "pitch":
        assert float(metric(page, "Median").split()[0]) == pytest.approx(440, rel=0.006)
    else:
        expect_text(page, re.compile("Overall: "))
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@wide
def test_broken_zips_and_examples(page, address, write, large):
    opened(page, f"{address}/teach")
    for number in (1, 2):
        upload(page, write(f"{number}.jpg", broken.ANYTHING["elf"]), to=f"Examples of Class {number}")
        expect_alert(page, f"{number}.jpg", "your upload holds neither pictures nor sound that can be read")
    settled(page)
    page.get_by_text("Zip", exact=True).click()
    place = "A zip with a folder for each class"
    box = page.get_by_role("region", name=place)
    box.wait_for()
    upload(page, large("zip"), to=place)
    expect(box).to_contain_text("Error: File must be 200.0MB or smaller.")
    files = broken.zips()
    for name, why in {
        "mz.zip": "is not a complete zip file",
        "cut.zip": "is not a complete zip file",
        "bomb.zip": "would unpack to more than 100 times its size",
        "out.zip": "which leads out of it",
        "long name.zip": "holds a file whose name is too long",
    }.items():
        upload(page, write(name, files[name]), to=place)
        expect_alert(page, name, why)
    names = {
        f"{label}/{i}.png": broken.photo("PNG") + bytes([i, ord(label)]) for label in "ab" for i in range(3)
    }
    upload(page, write("good.zip", broken.zipped(names)), to=place)
    expect_text(page, "6 images: 3 of a, 3 of b.")
