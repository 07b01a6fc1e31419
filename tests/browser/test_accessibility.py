"""Every page, with something on it, held against axe-core's rules of accessibility."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.reading import wide
from tests.browser.scenes import SCENES

GRAVE = ("serious", "critical")


@wide
@pytest.mark.parametrize("name", SCENES)
def test_nothing_grave(page, address, name):
    SCENES[name](page, address)
    assert not grave(page), "wide and light"
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    assert not grave(page), "narrow and dark"


def grave(page: Page) -> dict[str, list[str]]:
    """The elements that break a rule, by the rule."""
    page.mouse.move(0, 0)  # what the pointer is on has other colors
    page.wait_for_timeout(1000)  # charts are drawn anew
    return {
        violation["id"]: [node["html"][:300] for node in violation["nodes"]]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in GRAVE
    }
