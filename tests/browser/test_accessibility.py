"""Every page, with something on it, against axe-core's rules and its policy; labels of charts can be read.

The page that needs the longest until something is on it is checked where another test uses it: in
`test_sort.py`. Here it is exhaustive.
"""

import pytest

from tests.browser.accessibility import faint, grave
from tests.browser.reading import settled, wide
from tests.browser.scenes import SCENES

USED_ELSEWHERE = ("sort",)


def scenes() -> list:
    late = [pytest.param(name, marks=pytest.mark.exhaustive) for name in USED_ELSEWHERE]
    return [name for name in SCENES if name not in USED_ELSEWHERE] + late


@wide
@pytest.mark.parametrize("name", scenes())
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
