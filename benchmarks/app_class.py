"""A class at work: ``python -m benchmarks.app_class``.

Browsers with a session each teach a head at once, each on its own photos and with its own names of classes.
Measured are the seconds from the choice of the photos, and from the click on "Teach", until the result is on
the page; the memory of the server; and whether a page names classes of another session. The exit code is 1 if
a session is mixed up or takes longer than `MAX_SECONDS`, or the server takes more than `MAX_MEMORY`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from playwright.async_api import Browser, Page, async_playwright, expect

from benchmarks.browsing import memory_of, photos
from tests.browser import chromium
from tests.browser.serving import served

PATIENCE = 300_000  # ms
MAX_SECONDS = 90.0  # of the slowest session, from its click
MAX_MEMORY = 4e9  # bytes, of the server and what it starts
SAMPLES = ("cat.png", "coffee.png")


class Lesson(NamedTuple):
    """What one session did: seconds from the photos, and from the click, and the wrong names on its page."""

    whole: float
    trained_seconds: float
    mixed: list[str]


async def settled(page: Page) -> None:
    await expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


async def lesson(
    browser: Browser, address: str, folder: Path, number: int, each: int, start: asyncio.Barrier
):
    """Teach one session, which begins when all have opened their page."""
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(f"{address}/teach")
    await settled(page)
    names = [f"kind {number:02} {letter}" for letter in "ab"]
    paths = [photos(folder / f"{number}", each, number, sample) for sample in SAMPLES]
    await start.wait()
    begin = time.monotonic()
    for box, (name, files) in enumerate(zip(names, paths, strict=True)):
        field = page.get_by_label("Class", exact=True).nth(box)
        await field.fill(name)
        await field.press("Enter")
        region = page.get_by_role("region", name=f"Examples of {name}")
        await region.locator('input[type="file"]').set_input_files(files)
        await settled(page)
    await expect(page.get_by_text(f"{each} of {names[0]}, {each} of {names[1]}")).to_be_visible()
    await page.get_by_text("New head", exact=True).click()
    button = page.get_by_test_id("stMain").get_by_role("button", name="Teach")
    await expect(button).to_be_enabled()
    await settled(page)
    clicked = time.monotonic()
    await button.click()
    await expect(page.get_by_test_id("stMetric").filter(has_text="Accuracy").first).to_be_visible()
    done = time.monotonic()
    await settled(page)
    text = await page.get_by_test_id("stMain").inner_text()
    others = sorted(set(re.findall(r"kind \d\d [ab]", text)) ^ set(names))
    return Lesson(done - begin, done - clicked, others)


async def watch(server: psutil.Process, peaks: list[int]) -> None:
    while True:
        peaks.append(await asyncio.to_thread(memory_of, server))
        await asyncio.sleep(0.5)


async def measure(
    browser_path: str | None, address: str, pid: int, folder: Path, sessions: int, each: int
) -> tuple[list[Lesson], int]:
    """Return what each session did, and the most memory."""
    expect.set_options(timeout=PATIENCE)
    peaks: list[int] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS)
        warm = asyncio.Barrier(1)
        await lesson(browser, address, folder, sessions, each, warm)  # loads the network, and does not count
        watching = asyncio.create_task(watch(psutil.Process(pid), peaks))
        start = asyncio.Barrier(sessions)
        work = (lesson(browser, address, folder, number, each, start) for number in range(sessions))
        lessons = await asyncio.gather(*work)
        watching.cancel()
        await browser.close()
    return lessons, max(peaks)


def report(name: str, seconds: list[float]) -> None:
    print(f"{name}: median {statistics.median(seconds):.0f} s, slowest {max(seconds):.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=25)
    parser.add_argument("--photos", type=int, default=40, help="of each session, of two classes")
    options = parser.parse_args()
    browser_path = chromium.find()
    with tempfile.TemporaryDirectory() as name, served() as (address, pid):
        work = measure(browser_path, address, pid, Path(name), options.sessions, options.photos // 2)
        lessons, peak = asyncio.run(work)
    mixed = [one.mixed for one in lessons if one.mixed]
    report("From the choice of the photos", [one.whole for one in lessons])
    report('From the click on "Teach"', [one.trained_seconds for one in lessons])
    print(f"{len(lessons)} sessions done, {len(mixed)} of them with names of others or without their own")
    print(f"The server and its child processes: at most {peak / 1e9:.2f} GB")
    slowest = max(one.trained_seconds for one in lessons)
    sys.exit(bool(mixed) or slowest > MAX_SECONDS or peak > MAX_MEMORY)


if __name__ == "__main__":
    main()
