"""What a visitor with the worst twenty pictures costs the others: ``python -m benchmarks.hostile_visitor``.

The app is served, and its networks are loaded. One browser session chooses the files of `tests.bombs.worst`
while another asks again and again for the sample photo. Measured are the memory of the server and all its
child processes above their rest, and how long the sample's answers take with and without the hostile visitor.
The exit code is 1 if they take more than `MAX_RATIO` times as long.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.async_api import Browser, Page, async_playwright, expect

import zoo
from benchmarks.browsing import memory_of
from tests import bombs
from tests.browser import chromium
from tests.browser.serving import served

PATIENCE = 300_000  # ms
MAX_RATIO = 3
NETWORKS = ("squeezenet.caffe", "efficientnet_lite0.tf")


@dataclass(frozen=True)
class Figures:
    """Memory in bytes, and the seconds of each answer to the visitor with the sample photo.

    Attributes
    ----------
    rest, peak : int
        Of the server and its child processes, before the hostile visitor came and at most.
    alone, beside : list of float
        Without the hostile visitor, and while its files were looked at.
    seconds : float
        Until the last of its files was answered or refused.
    refusals : list of str
        What the hostile visitor was told.
    """

    rest: int
    peak: int
    alone: list[float]
    beside: list[float]
    seconds: float
    refusals: list[str]


def answers_of_the_sample() -> list[str]:
    results = {name: zoo.classify(zoo.sample("cat.png"), network=name, top=1) for name in NETWORKS}
    return [f"{zoo.describe(name).title}: {result.labels[0]}" for name, result in results.items()]


async def sampled(browser: Browser, address: str, answers: list[str]) -> float:
    """Seconds from the click on the samples until every network has answered, in a session of its own."""
    page = await opened(browser, address)
    begin = time.monotonic()
    await page.get_by_text("Sample", exact=True).click()
    for answer in answers:
        await expect(page.get_by_text(answer, exact=True)).to_be_visible()
    seconds = time.monotonic() - begin
    await page.context.close()
    return seconds


async def opened(browser: Browser, address: str) -> Page:
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(f"{address}/pictures")
    await settled(page)
    return page


async def settled(page: Page) -> None:
    await expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


async def attacks(page: Page, paths: list[Path]) -> tuple[float, list[str]]:
    """Choose the files, and wait until each was answered or refused."""
    begin = time.monotonic()
    await page.locator('input[type="file"]').first.set_input_files(paths)
    for path in paths:
        picture = page.get_by_alt_text(f"The picture {path.name}").or_(
            page.get_by_test_id("stAlert").filter(has_text=path.name)
        )
        await expect(picture.first).to_be_visible()
    await settled(page)
    return time.monotonic() - begin, await page.get_by_test_id("stAlert").all_inner_texts()


async def watch(server: psutil.Process, peaks: list[int]) -> None:
    while True:
        peaks[0] = max(peaks[0], await asyncio.to_thread(memory_of, server))
        await asyncio.sleep(0.05)


async def measured(browser_path: str, address: str, pid: int, paths: list[Path], repeats: int) -> Figures:
    expect.set_options(timeout=PATIENCE)
    server, answers = psutil.Process(pid), answers_of_the_sample()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS)
        await sampled(browser, address, answers)  # loads the networks
        alone = [await sampled(browser, address, answers) for _ in range(repeats)]
        hostile = await opened(browser, address)
        rest = memory_of(server)
        peaks, beside = [rest], []
        watching = asyncio.create_task(watch(server, peaks))
        attack = asyncio.create_task(attacks(hostile, paths))
        while not attack.done() or not beside:
            beside.append(await sampled(browser, address, answers))
        seconds, refusals = await attack
        watching.cancel()
        await browser.close()
    return Figures(rest, peaks[0], alone, beside, seconds, refusals)


def measure(files: Mapping[str, bytes], repeats: int = 5) -> Figures:
    """Serve the app, and let a visitor bring the files while another asks for the sample."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in files]
        for path, data in zip(paths, files.values(), strict=True):
            path.write_bytes(data)
        browser_path = chromium.browser_path()
        with served() as (address, pid):
            return asyncio.run(measured(browser_path, address, pid, paths, repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="answers without the hostile visitor")
    report = measure(bombs.worst(), parser.parse_args().repeats)
    alone, beside = statistics.median(report.alone), statistics.median(report.beside)
    for refusal in report.refusals:
        print(f"  {refusal.strip()}")
    more = (report.peak - report.rest) / 1e9
    print(f"All files were answered or refused after {report.seconds:.0f} s.")
    print(f"Memory: {report.rest / 1e9:.2f} GB at rest, and at most {more:.2f} GB more.")
    print(f"The sample of another visitor: {alone:.2f} s without (median of {len(report.alone)}),")
    print(f"{beside:.2f} s with (median of {len(report.beside)}, most {max(report.beside):.2f}),")
    print(f"{beside / alone:.1f} times as long; {MAX_RATIO} times are allowed.")
    sys.exit(beside > MAX_RATIO * alone)


if __name__ == "__main__":
    main()
