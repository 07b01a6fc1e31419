"""From click to answer in a real browser: ``python -m benchmarks.front_end``.

A warm app is given one new picture after another, and one new recording of 10 s after another, each on a
page without files: the time from the choice of the file until the answer is on the page, as the browser sees
it. In each frame that the browser draws meanwhile, the page must show something. Then the pages are changed
by their links: the time until the heading of the next one is there and the page is at rest.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

import zoo
from tests.browser import chromium
from tests.browser.reading import opened, settled
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

CHANGES = "changes"
LINKS = ("Pictures", "Sounds", "Pitch", "Embeddings", "Compare", "Teach", "Networks")


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


def change(page: Page, title: str) -> float:
    """Seconds from the click on the link of a page until it is at rest."""
    link = page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True)
    begin = time.perf_counter()
    link.click()
    page.wait_for_function(
        """title => document.querySelector('h1')?.innerText.trim() === title
            && document.querySelector('[data-test-script-state="notRunning"]')""",
        arg=title,
        polling="raf",
    )
    return time.perf_counter() - begin


def report(name: str, seconds: list[float], more: str = "") -> None:
    low, middle, high = statistics.quantiles(seconds, n=4)
    longest = max(seconds)
    spread = f"middle half {low:.2f} to {high:.2f}, longest {longest:.2f}"
    print(f"{name}: {middle:.2f} s ({spread}){more}", flush=True)


def answers(page: Page, address: str, name: str, paths: list[Path]) -> None:
    """Report the times of the answers on one page."""
    page.goto(f"{address}/{name}")
    page.locator('input[type="file"]').first.wait_for(state="attached")
    for path in paths[:2]:  # which load the networks, and do not count
        answer(page, path)
    page.evaluate(WATCH)
    seconds = [answer(page, path) for path in paths[2:]]
    fewest = page.evaluate("window.fewest")
    report(name, seconds, f"; never less than {fewest} letters on the page")


def changes(page: Page, address: str, repeats: int) -> None:
    """Report the times of page changes; the first visit of each page does not count."""
    page.goto(f"{address}/{LINKS[-1].lower()}")
    settled(page)
    for title in LINKS:
        change(page, title)
    report("page change", [change(page, title) for title in islice(cycle(LINKS), repeats)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--pages", nargs="+", choices=[*PAGES, CHANGES], default=[*PAGES, CHANGES])
    options = parser.parse_args()
    browser_path = chromium.find()
    with tempfile.TemporaryDirectory() as folder, served() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS)
        for name in options.pages:
            with opened(browser) as page:
                if name == CHANGES:
                    changes(page, address, options.repeats)
                else:
                    answers(page, address, name, PAGES[name](Path(folder), options.repeats + 2))
        browser.close()


if __name__ == "__main__":
    main()
