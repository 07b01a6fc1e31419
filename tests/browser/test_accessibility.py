"""Every page, with something on it, held against axe-core's rules of accessibility."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.scenes import SCENES

pytestmark = pytest.mark.browser
GRAVE = ("serious", "critical")


@pytest.mark.parametrize("page", [1440], indirect=True)  # a narrow page has the same elements
@pytest.mark.parametrize("name", SCENES)
def test_nothing_grave(page, address, name):
    SCENES[name](page, address)
    page.mouse.move(0, 0)  # what the pointer is on has other colours
    page.wait_for_timeout(1000)
    found = Axe().run(page).response["violations"]
    grave = {
        violation["id"]: [node["html"][:300] for node in violation["nodes"]]
        for violation in found
        if violation["impact"] in GRAVE
    }
    assert not grave
