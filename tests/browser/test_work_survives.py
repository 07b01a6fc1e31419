"""Uploading, training and relabeling survive reload, back, other pages, a restart, and a lost connection."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.reading import WAIT, expect_text, settled, wide
from tests.browser.serving import free_port, served
from tests.browser.test_projects import BLUE, RED, box, choose, fill, is_whole, opened
from tests.browser.test_teach import color, teach
from zoo.app.server.project_cookie import COOKIE

RECONNECT = 1  # s that a session waits for its connection; the page is without one for three times as long
# Keeps the sockets of a page, and lets none connect while the page is offline.
SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
        super(window.offline ? String(url).replace("stream", "offline") : url, protocols);
        window.sockets.push(this);
    }
};
"""
CONNECTED = """() => {
    const socket = window.sockets.at(-1);
    return socket.readyState === 1 && socket.url.endsWith("stream");
}"""
UPLOADS = "**/_stcore/upload_file/**"
pytestmark = wide


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the app is served, with a shorter time than usual in which a connection may come back."""
    with served(ZOO_APP_RECONNECT_S=str(RECONNECT)) as (url, _):
        yield url


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script(SOCKETS)
    return page


def reload(page: Page) -> None:
    page.reload()


def other_page(page: Page) -> None:
    page.get_by_role("link", name="Networks").click()
    expect(page.get_by_role("heading", name="Networks", exact=True)).to_be_visible()
    page.get_by_role("link", name="Teach").click()


def back(page: Page) -> None:
    page.get_by_role("link", name="Networks").click()
    expect(page.get_by_role("heading", name="Networks", exact=True)).to_be_visible()
    page.go_back()


def minutes_without_connection(page: Page) -> None:
    """Lose the connection for longer than the session waits for it."""
    page.evaluate("() => { window.offline = true; window.sockets.at(-1).close(); }")
    page.wait_for_timeout(3000 * RECONNECT)
    page.evaluate("() => { window.offline = false; }")
    page.wait_for_function(CONNECTED)
    page.wait_for_function("() => window.runs.asked > 0")
    settled(page)  # until then it shows what another session drew


@contextmanager
def uploads_that_do_not_arrive(page: Page) -> Iterator[None]:
    """Keep uploads on their way, and end them with an error."""
    routes: list[Route] = []
    page.route(UPLOADS, lambda route: routes.append(route))
    yield
    for route in routes:
        with suppress(Error):  # of a page that was left
            route.abort("connectionreset")
    page.unroute(UPLOADS)


Event = Callable[[Page], None]
EVENTS: tuple[Event, ...] = (reload, other_page, back, minutes_without_connection)


def some_or_all(*some: Event) -> pytest.MarkDecorator:
    """Run a test with some events, and exhaustively with all; uploads have all of them always."""
    every = pytest.param(EVENTS, id="all", marks=pytest.mark.exhaustive)
    return pytest.mark.parametrize("events", [pytest.param(some, id="some"), every])


def test_uploads_survive(page, address, examples):
    opened(page, address)
    box(page, 1).set_input_files(examples[1])
    expect_text(page, "6 of Class 1")
    for event in EVENTS:
        settled(page)
        with uploads_that_do_not_arrive(page):
            with page.expect_request(UPLOADS):
                box(page, 2).set_input_files(examples[2])
            event(page)
        expect_text(page, "6 images: 6 of Class 1.")
    settled(page)
    box(page, 2).evaluate("input => { input.value = null; }")  # as its button does before it asks for files
    box(page, 2).set_input_files(examples[2])
    is_whole(page)


def test_a_page_at_rest_is_drawn_anew_when_its_connection_is_back_and_a_click_at_once_counts(
    page, others, address, examples
):
    settled(opened(page, address))
    page.evaluate("() => { window.offline = true; window.sockets.at(-1).close(); }")
    (token,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    others.add_cookies([{"name": COOKIE, "value": token, "url": address}])  # the same browser
    other = opened(others.new_page(), address)
    box(other, 1).set_input_files(examples[1])
    expect_text(other, "6 images: 6 of Class 1.")
    page.evaluate("() => { window.offline = false; }")
    page.wait_for_function(CONNECTED)
    page.get_by_role("button", name="Add a class").click()
    expect(page.get_by_role("region", name="Examples of Class 3")).to_be_visible()
    expect_text(page, "6 images: 6 of Class 1.")


@some_or_all(minutes_without_connection)
def test_training_survives(page, address, examples, events):
    fill(opened(page, address), examples)
    choose(page, "Fine-tuning")
    page.get_by_text("Settings", exact=True).click()
    press(page, "Epochs", "End", "200")  # trains for longer than all events last
    teach(page)
    for event in events:
        expect_text(page, re.compile("^Training …"))
        event(page)
    expect_text(page, re.compile("^Training …"))
    settled(page)
    page.get_by_role("button", name="Stop").click()
    expect_text(page, re.compile(r"^Fine-tuning on EfficientNet-Lite0, stopped after \d+ of 200 epochs$"))


def mislabeled(examples: dict[int, list[Path]], folder: Path) -> dict[int, list[Path]]:
    """Examples of two classes, where three of the second are of the first."""
    wrong = [color(folder / f"wrong{i}.png", RED, 50 + i) for i in range(3)]
    return {1: examples[1], 2: [*examples[2][:3], *wrong]}


def press(page: Page, slider: str, key: str, text: str) -> None:
    """Move a slider by a key, which has it show a text."""
    handle = page.get_by_role("slider", name=slider)
    handle.focus()
    page.keyboard.press(key)
    expect(handle).to_have_attribute("aria-valuetext", text)
    settled(page)


def relabel(page: Page) -> None:
    """Train, and move a mistake."""
    choose(page, "Classic classifier")
    page.get_by_text("Settings", exact=True).click()
    press(page, "Held out (%)", "End", "50")
    teach(page)
    page.get_by_role("tab", name="Mistakes").wait_for()
    settled(page)
    page.get_by_role("tab", name="Mistakes").click()
    page.get_by_role("button", name="Move to Class 1").first.click()
    is_relabeled(page)


def is_relabeled(page: Page) -> None:
    expect_text(page, "12 images: 7 of Class 1, 5 of Class 2.")


@some_or_all(back)
def test_relabeling_survives(page, address, examples, tmp_path, events):
    fill(opened(page, address), mislabeled(examples, tmp_path))
    relabel(page)
    for event in events:
        settled(page)
        event(page)
        is_relabeled(page)
        settled(page)
        page.get_by_role("tab", name="Mistakes").click()
        expect_text(page, "Now an example of Class 1")
    settled(page)
    page.get_by_role("button", name="Train again").click()
    expect(page.get_by_text("Show", exact=True)).to_be_visible(timeout=WAIT)  # one of two attempts


def test_uploads_training_and_relabeling_survive_a_restart_of_the_server(page, examples, tmp_path):
    port, projects = free_port(), str(tmp_path / "projects")
    with served(port=port, ZOO_APP_PROJECTS=projects) as (address, _):
        fill(opened(page, address), mislabeled(examples, tmp_path))
        relabel(page)
        choose(page, "Fine-tuning")
        page.get_by_text("Settings", exact=True).click()
        press(page, "Epochs", "End", "200")  # so that it is not over at the restart
        press(page, "Learning rate", "Home", "0.0001")
        teach(page)
        expect_text(page, re.compile("^Training …"))
        page.route("**/_stcore/upload_file/**", lambda route: None)  # it does not arrive
        with page.expect_request("**/_stcore/upload_file/**"):
            box(page, 2).set_input_files(color(tmp_path / "late.png", BLUE, 70))
    with served(port=port, ZOO_APP_PROJECTS=projects):
        page.unroute("**/_stcore/upload_file/**")
        page.goto(f"{address}/teach")
        is_relabeled(page)
        expect_text(page, "A training was interrupted.")
        expect_text(page, "Fine-tuning on EfficientNet-Lite0 had no result yet")
        settled(page)
        page.get_by_test_id("stMain").get_by_role("button", name="Train again").first.click()
        expect_text(page, re.compile("^Training …"))
        expect(page.get_by_text("A training was interrupted.")).to_have_count(0, timeout=WAIT)
        new = color(tmp_path / "new.png", BLUE, 99)
        page.get_by_role("region", name="Pictures").locator('input[type="file"]').set_input_files(new)
        expect_text(page, re.compile(r"^Class 2, \d+% sure"))
