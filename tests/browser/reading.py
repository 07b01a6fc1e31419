"""What the tests do on a page, and what they read off it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

WAIT = 90_000  # ms; the first answer loads torch and a network
# For tests that last long and have little to do with the width of a page: half have one, half the other.
wide = pytest.mark.parametrize("page", [1440], indirect=True, ids=["wide"])
narrow = pytest.mark.parametrize("page", [390], indirect=True, ids=["narrow"])
RUNS = Path(__file__).with_name("runs.js")  # a script that every page begins with
AT_REST = """() => {
    const app = document.querySelector('[data-testid="stApp"]').dataset;
    const { asked, ended } = window.runs;
    return app.testConnectionState === "CONNECTED" && app.testScriptState === "notRunning" && asked === ended;
}"""


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A page of another visitor."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.add_init_script(path=RUNS)
    page.set_default_timeout(WAIT)
    yield page
    page.close()


def upload(page: Page, *files: Path, to: str = "") -> None:
    """Give files to the uploader of a page, or of one of its regions, which a page being drawn would lose."""
    settled(page)
    place = page.get_by_role("region", name=to) if to else page
    place.locator('input[type="file"]').set_input_files(files)


def expect_text(page: Page, text: str | re.Pattern) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT)


def metric(page: Page, label: str) -> str:
    box = page.get_by_test_id("stMetric").filter(has_text=label)
    box.wait_for()
    return box.get_by_test_id("stMetricValue").inner_text()


def settled(page: Page) -> None:
    """Wait until a page is at rest: what is clicked before may be drawn anew under the pointer.

    A page that is not drawn yet seems at rest, too; so does one that has asked its server for a run and has
    not heard from it, or has lost it.
    """
    page.get_by_test_id("stMain").get_by_test_id("stHeading").first.wait_for(state="attached", timeout=WAIT)
    page.wait_for_function(AT_REST, timeout=WAIT)


def scrolled_to(element: Locator) -> Locator:
    """An element within view, once the page has told that it scrolled: a list that is open closes at that."""
    element.scroll_into_view_if_needed()
    element.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return element


def download(page: Page, label: str) -> str:
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")
