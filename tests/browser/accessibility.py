"""What axe-core finds on a page, and the labels of charts that can hardly be read."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.reading import WAIT, settled
from tests.contrast import contrast

GRAVE = ("serious", "critical")
_LABELS = """() => {
    const numbers = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const page = numbers(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
    return [...document.querySelectorAll(".js-plotly-plot .main-svg text")]
        .filter(label => label.textContent && !label.closest(".bartext-inside, .heatmap-label"))
        .map(label => [label.textContent, numbers(getComputedStyle(label).fill), page]);
}"""


def grave(page: Page) -> dict[str, list[str]]:
    """The elements that break a rule, by the rule."""
    page.mouse.move(0, 0)  # what the pointer is on has other colors
    page.wait_for_timeout(1000)  # charts are drawn anew
    return {
        violation["id"]: [node["html"][:300] for node in violation["nodes"]]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in GRAVE
    }


def faint(page: Page) -> list[str]:
    """The labels of charts that have too little contrast with the page, of which axe sees nothing."""
    labels = page.evaluate(_LABELS)
    assert labels or not page.locator(".js-plotly-plot:visible").count()
    return [text for text, color, ground in labels if contrast(color, ground) < 4.5]


def require_accessible_chart(page: Page) -> None:
    """Check a page with a chart in dark colors, which it has from here on."""
    page.emulate_media(color_scheme="dark")
    settled(page)
    expect(page.locator(".js-plotly-plot:visible").first).to_be_visible(timeout=WAIT)
    assert not grave(page)
    assert not faint(page)
