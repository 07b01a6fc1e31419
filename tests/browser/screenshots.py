"""Pictures of every page, wide and narrow: ``make screenshots``.

They go into the folder ``screenshots``; the pictures on the page Home are cut from the same pages. Of some
pages only: ``python -m tests.browser.screenshots teach pictures``.
"""

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import zoo
from tests.browser import chromium
from tests.browser.batches import digits_batch
from tests.browser.reading import RUNS, WAIT
from tests.browser.scenes import SCENES
from tests.browser.serving import served

WIDTHS = (1440, 390)
FOLDER = Path(__file__).parents[2] / "screenshots"
IMAGES = Path(zoo.__file__).parent / "app" / "pages" / "images"
CUT = {  # what Home shows of a page
    "pictures": ".st-key-pictures-shown-0",
    "sounds": ".st-key-sounds-figure",
    "teach": ".st-key-teach-confusion",
}
SIZE = (720, 480)  # pixels, of a picture on Home


def whole(page: Page) -> None:
    """Make the window as high as what is on the page, which scrolls within it."""
    height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": min(height, 6000)})
    page.wait_for_timeout(1000)  # charts are drawn anew


def cut(page: Page, name: str) -> None:
    """A part of a page as a picture of Home."""
    path = FOLDER / f"{name}-cut.png"
    page.locator(CUT[name]).screenshot(path=path)
    picture = Image.open(path).convert("RGB")
    picture = picture.resize((SIZE[0], round(picture.height * SIZE[0] / picture.width)))
    canvas = Image.new("RGB", SIZE, "white")
    canvas.paste(picture, (0, max(0, (SIZE[1] - picture.height) // 2)))
    IMAGES.mkdir(exist_ok=True)
    canvas.save(IMAGES / f"{name}.webp", quality=85)
    path.unlink()


def main() -> None:
    if (browser_path := chromium.find()) is None:
        sys.exit("No Chromium or Chrome on this machine.")
    FOLDER.mkdir(exist_ok=True)
    scenes = {name: SCENES[name] for name in sys.argv[1:]} or SCENES
    with (
        digits_batch() as batch,
        served(ZOO_APP_BATCHES=str(batch)) as (address, _),
        sync_playwright() as playwright,
    ):
        flags = [*chromium.FLAGS, f"--use-file-for-fake-audio-capture={zoo.sample('melody.wav')}"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        for name, scene in sorted(scenes.items(), key=lambda scene: scene[0] == "home"):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 1000})
                page.add_init_script(path=RUNS)
                page.set_default_timeout(WAIT)
                scene(page, address)
                whole(page)
                page.screenshot(path=FOLDER / f"{name}-{width}.png")
                if name in CUT and width == max(WIDTHS):
                    cut(page, name)
                page.close()
                print(f"screenshots/{name}-{width}.png", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
