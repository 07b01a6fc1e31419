"""Work on the page Teach survives what happens to browsers and servers, and nobody else reaches it."""

import re
import zipfile
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.browser.messages import visiting
from tests.browser.reading import WAIT, expect_text, settled, upload, wide
from tests.browser.test_teach import color, teach
from zoo.app.server.project_cookie import COOKIE

RED, BLUE = (200, 40, 40), (40, 40, 200)
COUNTS = "12 images: 6 of Class 1, 6 of Class 2."
# Keeps the sockets of a page, so that a test can lose its connection as a gap in the network does.
SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
    constructor(...values) { super(...values); window.sockets.push(this); }
};
"""
pytestmark = wide


def box(page: Page, number: int) -> Locator:
    return page.get_by_role("region", name=f"Examples of Class {number}").locator('input[type="file"]')


def project_name(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Project", exact=True)


def fill(page: Page, examples: dict[int, list[Path]]) -> None:
    for number, files in examples.items():
        box(page, number).set_input_files(files)
        expect_text(page, f"6 of Class {number}")
        settled(page)
    expect_text(page, COUNTS)


def opened(page: Page, address: str) -> Page:
    page.goto(f"{address}/teach")
    box(page, 1).wait_for(state="attached")
    settled(page)
    return page


def is_whole(page: Page) -> None:
    """Each class has its examples, in the box and in the sum."""
    expect(page.get_by_text("6 examples", exact=True)).to_have_count(2, timeout=WAIT)
    expect(page.get_by_alt_text("1-5.png")).to_be_visible()
    expect_text(page, COUNTS)


def choose(page: Page, method: str) -> None:
    expect_text(page, "Advice:")
    settled(page)
    page.get_by_text(method, exact=True).click()
    settled(page)


def lose_connection(page: Page) -> None:
    """Close the connection, and wait until the page has another one."""
    sockets = page.evaluate("() => { window.sockets.at(-1).close(); return window.sockets.length; }")
    page.wait_for_function(
        "number => window.sockets.length > number && window.sockets.at(-1).readyState === 1", arg=sockets
    )


def test_examples_survive_other_pages_back_and_reload_and_no_other_browser_sees_them(
    page, address, examples, others
):
    fill(opened(page, address), examples)
    settled(page)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible(timeout=WAIT)
    page.go_back()
    is_whole(page)
    page.reload()
    is_whole(page)
    more = color(examples[1][0].with_name("more.png"), RED, 99)
    settled(page)
    box(page, 1).set_input_files(more)
    expect_text(page, "13 images: 7 of Class 1, 6 of Class 2.")
    (token,) = [one["value"] for one in page.context.cookies() if one["name"] == COOKIE]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for value in (None, forged):
        if value:
            others.add_cookies([{"name": COOKIE, "value": value, "url": address}])
        other = opened(others.new_page(), address)
        expect_text(other, "Nobody else sees them.")
        expect(other.get_by_text(re.compile(r"\d of Class 1"))).to_have_count(0)
    assert page.evaluate("() => document.cookie.includes('zoo_project')") is False


def test_raw_messages_reach_no_project_of_another_browser(page, address, examples):
    fill(opened(page, address), examples)
    with visiting(address) as one, visiting(address, f"{COOKIE}={'x' * 43}") as other:
        for visitor in (one, other):
            run = visitor.open("teach")
            assert not run.crashed
            assert COUNTS not in str(run.texts)
            ids = [message.id for _, message in run.widgets.values()]
            pressed = [WidgetState(id=number, trigger_value=True) for number in ids if "teach-" in number]
            assert any("teach-delete-project" in state.id for state in pressed)
            assert not visitor.run(*pressed).crashed
    page.reload()
    is_whole(page)


def test_an_upload_goes_on_after_the_connection_was_lost(page, address, examples):
    page.add_init_script(SOCKETS)
    opened(page, address)
    box(page, 1).set_input_files(examples[1])
    expect_text(page, "6 of Class 1")
    settled(page)
    page.route("**/_stcore/upload_file/**", lambda route: None)  # it waits
    with page.expect_request("**/_stcore/upload_file/**"):
        box(page, 2).set_input_files(examples[2])
    lose_connection(page)
    page.unroute("**/_stcore/upload_file/**")  # and goes on
    is_whole(page)


def test_a_project_is_saved_opened_elsewhere_and_deleted_and_a_network_goes_back_in(
    page, address, examples, others, tmp_path
):
    fill(opened(page, address), examples)
    project_name(page).fill("Two colors")
    project_name(page).press("Enter")
    choose(page, "Classic classifier")
    teach(page)
    expect_text(page, "Classic classifier on EfficientNet-Lite0")
    saved = saved_file(page, "Save project", tmp_path / "mine.zoo-project.zip")
    network = saved_file(page, "Network", tmp_path / "network.zip")
    assert zipfile.is_zipfile(saved)
    other = opened(others.new_page(), address)
    open_file(other, saved)
    is_whole(other)
    expect(project_name(other)).to_have_value("Two colors")
    expect_text(other, "Classic classifier on EfficientNet-Lite0")
    open_file(other, network)
    other.get_by_role("button", name="Open the file").wait_for()
    settled(other)
    other.get_by_role("button", name="Open the file").click()
    expect_text(other, "Opened from a file")
    other.reload()
    is_whole(other)
    settled(other)
    other.get_by_role("button", name="Delete", exact=True).click()
    other.get_by_role("button", name="Delete project").click()
    expect_text(other, "Nobody else sees them.")
    expect(other.get_by_text("Attempts", exact=True)).to_have_count(0)
    is_whole(page)


def saved_file(page: Page, label: str, path: Path) -> Path:
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label, exact=True).click()
    waiting.value.save_as(path)
    return path


def open_file(page: Page, path: Path) -> None:
    settled(page)
    page.get_by_test_id("stPopoverButton").filter(has_text="Open").click()
    upload(page, path, to="A project that was saved here")
