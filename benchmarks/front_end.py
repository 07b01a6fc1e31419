"""From click to answer in a real browser: ``python -m benchmarks.front_end``.

A warm app is given one new picture after another, and one new recording of 10 s after another, each on a
page without files: the time from the choice of the file until the answer is on the page, as the browser sees
it. In each frame that the browser draws meanwhile, the page must show something.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

import zoo
from tests.browser import chromium
from tests.browser.reading import WAIT, settled
from tests.browser.serving import served

RATE = 16000  # Hz
# Letters on the page in the frame that had fewest, from now on.
WATCH = """() => {
    window.fewest = Infinity;
    const look = () => {
        const main = document.querySelector('[data-testid="stMain"]');
        window.fewest = Math.min(window.fewest, main ? main.innerText.length : 0);
        requestAnimationFrame(look);
    };
    look();
}"""


def pictures(folder: Path, many: int) -> list[Path]:
    """Vary the sample photo a little each time, at 1200 × 800 pixels."""
    photo = Image.open(zoo.sample("coffee.png")).convert("RGB").resize((1200, 800))
    paths = []
    for number in range(many):
        pixels = np.asarray(photo, np.int16) + np.random.default_rng(number).integers(-3, 4, (800, 1200, 3))
        paths.append(folder / f"picture-{number}.jpg")
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def recordings(folder: Path, many: int) -> list[Path]:
    """Ten seconds of the sample recording each, from another second on."""
    samples, sample_rate = soundfile.read(zoo.sample("bicycle-bell.wav"), dtype="float32", always_2d=True)
    paths = []
    for number in range(many):
        paths.append(folder / f"recording-{number}.wav")
        begin = (2 * number % 50) * sample_rate
        soundfile.write(paths[-1], samples[begin : begin + 10 * sample_rate], sample_rate)
    return paths


PAGES: dict[str, Callable[[Path, int], list[Path]]] = {
    "pictures": pictures,
    "sounds": recordings,
    "pitch": recordings,
}


def answer(page: Page, path: Path) -> float:
    """Seconds from the choice of a file until what the networks say of it is on the page."""
    begin = time.perf_counter()
    page.locator('input[type="file"]').first.set_input_files(path)
    # The alternative texts of charts name the file; a chart is drawn when it has its main layer.
    page.wait_for_function(
        """name => [...document.querySelectorAll('.js-plotly-plot')].some(chart =>
            chart.querySelector('.main-svg') && chart.closest('[data-testid="stElementContainer"]')
                .outerHTML.includes(name))""",
        arg=path.name,
        polling="raf",
    )
    seconds = time.perf_counter() - begin
    settled(page)
    page.get_by_role("button", name=f"Remove {path.name}").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    settled(page)
    page.wait_for_timeout(500)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    options = parser.parse_args()
    browser_path = chromium.find()
    with tempfile.TemporaryDirectory() as folder, served() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS)
        for name in options.pages:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(WAIT)
            page.goto(f"{address}/{name}")
            page.locator('input[type="file"]').first.wait_for(state="attached")
            paths = PAGES[name](Path(folder), options.repeats + 2)
            for given in paths[:2]:  # which load the networks, and do not count
                answer(page, given)
            page.evaluate(WATCH)
            seconds = [answer(page, given) for given in paths[2:]]
            low, middle, high = statistics.quantiles(seconds, n=4)
            fewest = page.evaluate("window.fewest")
            print(
                f"{name}: {middle:.2f} s (middle half {low:.2f} to {high:.2f}, most {max(seconds):.2f}); "
                f"never less than {fewest} letters on the page"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
