"""Every page, with something on it, against axe-core's rules and its policy; labels of charts can be read."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.reading import settled, wide
from tests.browser.scenes import SCENES
from tests.contrast import contrast

GRAVE = ("serious", "critical")
_LABELS = """() => {
    const numbers = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const page = numbers(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
    return [...document.querySelectorAll(".js-plotly-plot .main-svg text")]
        .filter(label => label.textContent && !label.closest(".bartext-inside, .heatmap-label"))
        .map(label => [label.textContent, numbers(getComputedStyle(label).fill), page]);
}"""


@wide
@pytest.mark.parametrize("name", SCENES)
def test_nothing_grave(page, address, name, breaches):
    SCENES[name](page, address)
    if name != "live":  # which is never at rest
        settled(page)
    assert breaches == []
    assert not grave(page), "wide and light"
    assert not faint(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    assert not grave(page), "narrow and dark"
    assert not faint(page)


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
