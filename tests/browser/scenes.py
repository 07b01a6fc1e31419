"""Each page with something on it: for the pictures of the app, and for what is checked on every page."""

import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.reading import WAIT, expect_text, settled, upload
from zoo.hub.samples import digits


def home(page: Page, address: str) -> None:
    page.goto(address)
    expect_text(page, "Networks here")
    expect(page.get_by_role("img").last).to_be_visible(timeout=WAIT)


def pictures(page: Page, address: str) -> None:
    page.goto(f"{address}/pictures?sample=cat.png")
    expect_text(page, "SqueezeNet 1.1: Egyptian cat")
    settled(page)
    page.get_by_text("Where it looks").click()
    expect(page.get_by_alt_text(re.compile("^Where "))).to_have_count(2, timeout=WAIT)


def sounds(page: Page, address: str) -> None:
    page.goto(f"{address}/sounds?sample=bicycle-bell.wav")
    expect_text(page, "Overall:")
    page.locator(".playhead").wait_for(state="attached")


def pitch(page: Page, address: str) -> None:
    page.goto(f"{address}/pitch?sample=melody.wav")
    expect_text(page, "Median")
    page.locator(".playhead").wait_for(state="attached")


def networks(page: Page, address: str) -> None:
    page.goto(f"{address}/networks?network=squeezenet")
    expect_text(page, "Fidelity.")


def live(page: Page, address: str) -> None:
    page.goto(f"{address}/live")
    start = page.frame_locator('iframe[title*="webrtc"]').get_by_role("button", name="Start")
    start.wait_for()
    settled(page)  # the streamer and the look for a microphone both have the page run again
    start.click()
    expect(page.get_by_role("img", name=re.compile("^Tuner: [A-G]"))).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("img", name="Scores of the last 20 seconds")).to_be_visible(timeout=WAIT)


def embeddings(page: Page, address: str) -> None:
    page.goto(f"{address}/embeddings")
    settled(page)
    page.get_by_text("Sample", exact=True).click()
    expect_text(page, re.compile(r"^The map shows \d+% of the variance"))
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)


def sort(page: Page, address: str) -> None:
    page.goto(f"{address}/sort")
    begin_sorting(page, "0_")
    for number in range(1, 15):
        answer_question(page, "0_", number)
    expect_text(page, re.compile("^15 answers: "))
    expect_text(page, re.compile("^The list has"))
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)
    settled(page)


def begin_sorting(page: Page, wanted: str) -> None:
    """Take the first file that is wanted, by the beginning of its name, as an example."""
    box = page.get_by_label("Part of the file's name")
    box.wait_for()
    settled(page)
    box.fill(f"/{wanted}")
    box.press("Enter")
    settled(page)
    page.get_by_role("button", name="Like this one").first.click()
    expect_text(page, "Is this what you look for?")


def answer_question(page: Page, wanted: str, answers: int, *, by_key: bool = True) -> None:
    """Answer the question that is shown by the name of its file; so many answers were given before."""
    expect_text(page, re.compile(rf"^{answers} answers?: "))
    settled(page)
    name = page.locator(".st-key-sort-file").get_by_test_id("stCaptionContainer").inner_text()
    is_wanted = name.rpartition("/")[2].startswith(wanted)
    if by_key:
        page.keyboard.press("y" if is_wanted else "n")
    else:
        page.get_by_role("button", name="Yes" if is_wanted else "No").click()


def compare(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Compare").click()
    expect(page.get_by_text(re.compile("^Measured on "))).to_be_visible(timeout=3 * WAIT)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)


def teach(page: Page, address: str) -> None:
    page.goto(f"{address}/teach")
    settled(page)
    page.get_by_text("Zip", exact=True).click()
    page.get_by_role("region", name="A zip").wait_for()
    with tempfile.TemporaryDirectory() as folder:
        upload(page, zipped(Path(folder) / "digits.zip"), to="A zip")
        expect_text(page, "Advice:")
        settled(page)  # a click on a page that still grows is lost
        page.get_by_test_id("stMain").get_by_role("button", name="Teach").click()
        expect_text(page, "Taught:")
    settled(page)
    page.get_by_role("tab", name="Mistakes").click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)


def zipped(path: Path, classes: int = 5, each: int = 30) -> Path:
    """A zip of handwritten digits: a folder a class."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in digits(each):
            if int(label := name.partition("_")[0]) < classes:
                archive.writestr(f"{label}/{name}", content)
    return path


SCENES: dict[str, Callable[[Page, str], None]] = {
    scene.__name__: scene
    for scene in (home, pictures, sounds, pitch, live, embeddings, sort, compare, teach, networks)
}
