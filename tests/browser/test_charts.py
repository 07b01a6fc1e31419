"""Charts in a real browser: their labels can be read, and they can be saved, also without a mouse."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import WAIT, settled, wide
from tests.browser.scenes import SCENES
from tests.contrast import contrast

PNG = b"\x89PNG"
_LABELS = """() => {
    const numbers = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const page = numbers(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
    return [...document.querySelectorAll(".js-plotly-plot .main-svg text")]
        .filter(label => label.textContent && !label.closest(".bartext-inside, .heatmap-label"))
        .map(label => [label.textContent, numbers(getComputedStyle(label).fill), page]);
}"""


def faint(page: Page) -> list[str]:
    """The labels of charts that have too little contrast with the page."""
    expect(page.locator(".js-plotly-plot .main-svg text:visible").first).to_be_visible(timeout=WAIT)
    labels = page.evaluate(_LABELS)
    assert labels
    return [text for text, color, ground in labels if contrast(color, ground) < 4.5]


def field(page: Page, address: str) -> None:
    """The page Networks with its chart open."""
    SCENES["networks"](page, address)
    page.get_by_text("Image networks: accuracy against prediction time").click()


@wide
@pytest.mark.parametrize("name", ["pictures", "sounds", "compare", "teach", "field"])
def test_labels_can_be_read_in_light_and_dark(page, address, name):
    (SCENES | {"field": field})[name](page, address)
    assert not faint(page)
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).not_to_have_css("background-color", "rgb(255, 255, 255)")
    assert not faint(page)


@wide
def test_a_chart_is_saved_by_keyboard(page, address):
    SCENES["sounds"](page, address)
    settled(page)
    chart = page.locator(".st-key-sounds-figure")
    page.get_by_role("tab", name="Overall").focus()
    page.get_by_role("tab", name="Events").focus()
    page.keyboard.press("Tab")
    save = chart.get_by_role("button", name="Download plot as a PNG")
    expect(save).to_be_focused()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "events.png"
    assert waiting.value.path().read_bytes().startswith(PNG)


def test_a_chart_is_saved_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    SCENES["pictures"](page, address)
    settled(page)
    save = page.get_by_role("button", name="Download plot as a PNG").first
    save.scroll_into_view_if_needed()
    assert save.evaluate("button => getComputedStyle(button.closest('.modebar-group')).opacity") == "1"
    with page.expect_download() as waiting:
        save.tap()
    assert waiting.value.suggested_filename == "scores.png"
    context.close()
