"""Charts in a real browser: they are saved, also without a mouse, and can then be read."""

from PIL import Image
from playwright.sync_api import expect

from tests.browser.reading import RUNS, WAIT, settled, wide
from tests.browser.scenes import SCENES
from tests.contrast import contrast

PNG = b"\x89PNG"


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
    page.add_init_script(path=RUNS)
    page.set_default_timeout(WAIT)
    SCENES["pictures"](page, address)
    settled(page)
    save = page.get_by_role("button", name="Download plot as a PNG").first
    save.scroll_into_view_if_needed()
    assert save.evaluate("button => getComputedStyle(button.closest('.modebar-group')).opacity") == "1"
    with page.expect_download() as waiting:
        save.tap()
    assert waiting.value.suggested_filename == "scores.png"
    with Image.open(waiting.value.path()) as saved:
        axis = saved.convert("RGB").crop((0, saved.height - 80, *saved.size))  # labels and title: no bars
    darkest = min(axis.get_flattened_data(), key=sum)
    assert contrast(darkest, (255, 255, 255)) >= 4.5
    context.close()
