"""Sessions at once: each has its own answers, while one of them trains."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

import zoo
from tests.browser import chromium
from tests.browser.reading import WAIT
from tests.browser.scenes import zipped
from tests.browser.serving import served

MAX_MEMORY = 4e9  # bytes, of the server and what it starts
PATIENCE = 3 * WAIT  # the browsers, the server and other tests share two cores
NETWORKS = ("squeezenet.caffe", "efficientnet_lite0.tf")
PITCHES = (220, 330)


def pictures_of(folder: Path) -> list[Path]:
    """The samples and two of them upside down: five files, not all with the same answer."""
    paths = []
    for sample in ("cat.png", "coffee.png", "rocket.jpg"):
        picture = Image.open(zoo.sample(sample)).convert("RGB")
        paths.append(folder / f"{Path(sample).stem}.png")
        picture.save(paths[-1])
    for path in paths[:2]:
        paths.append(path.with_stem(f"{path.stem}-turned"))
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(paths[-1])
    return paths


def tones(folder: Path) -> list[Path]:
    time_ = np.arange(3 * 16000) / 16000
    paths = [folder / f"{pitch}.wav" for pitch in PITCHES]
    for path, pitch in zip(paths, PITCHES, strict=True):
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * pitch * time_), 16000)
    return paths


def answers(path: Path) -> dict[str, str]:
    """What the page is to say of a picture: a label by the title of each network."""
    return {zoo.describe(name).title: zoo.classify(path, network=name, top=1).labels[0] for name in NETWORKS}


async def settled(page: Page) -> None:
    """Wait until a page is drawn and at rest."""
    await page.get_by_test_id("stMain").get_by_test_id("stHeading").first.wait_for(state="attached")
    await expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


async def begun(page: Page, url: str, path: Path) -> float:
    """Give a file to a page that was loaded anew; when that was, in s."""
    await page.goto(url)
    await settled(page)
    begin = time.monotonic()
    await page.locator('input[type="file"]').first.set_input_files(path)
    return begin


async def classifies(page: Page, address: str, path: Path, best: dict) -> float:
    """The seconds until every network has answered."""
    begin = await begun(page, f"{address}/pictures", path)
    for title, label in best[path.name].items():
        await expect(page.get_by_text(f"{title}: {label}", exact=True)).to_be_visible()
    seconds = time.monotonic() - begin
    await expect(page.get_by_alt_text(f"The picture {path.name}")).to_be_visible()
    return seconds


async def follows(page: Page, address: str, path: Path) -> float:
    """The seconds until the pitch of a tone is there."""
    begin = await begun(page, f"{address}/pitch", path)
    value = page.get_by_test_id("stMetricValue").first
    await expect(value).to_be_visible()
    seconds = time.monotonic() - begin
    assert float((await value.inner_text()).split()[0]) == pytest.approx(float(path.stem), rel=0.006)
    return seconds


async def trains(page: Page, address: str, archive: Path) -> None:
    await page.goto(f"{address}/teach")
    await settled(page)
    await page.get_by_text("Zip", exact=True).click()
    box = page.get_by_role("region", name="A zip with a folder for each class")
    await box.wait_for()
    await settled(page)
    await box.locator('input[type="file"]').set_input_files(archive)
    await expect(page.get_by_text("Advice:").first).to_be_visible()
    await settled(page)
    await page.get_by_test_id("stMain").get_by_role("button", name="Teach").click()
    await expect(page.get_by_text("Taught:").first).to_be_visible()


async def together(
    address: str, folder: Path, browser_path: str, pictures: list[Path], best: dict
) -> list[float]:
    """A session for each picture, two with tones, and one that trains."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS)

        async def session() -> Page:
            page = await (await browser.new_context()).new_page()
            page.set_default_timeout(PATIENCE)
            return page

        work = [classifies(await session(), address, path, best) for path in pictures]
        work += [follows(await session(), address, path) for path in tones(folder)]
        training = trains(await session(), address, zipped(folder / "digits.zip"))
        *seconds, _ = await asyncio.gather(*work, training)
        await browser.close()
    return seconds


@pytest.mark.parametrize("number", [2, pytest.param(5, marks=pytest.mark.exhaustive)])
def test_sessions_at_once_do_not_mix(tmp_path, number):
    pictures = pictures_of(tmp_path)[:number]
    best = {path.name: answers(path) for path in pictures}
    distinct = {tuple(labels.values()) for labels in best.values()}
    assert len(distinct) >= min(number, 4)  # or a mix-up would not be seen
    with served() as (address, process), ThreadPoolExecutor() as threads:
        browser_path = threads.submit(chromium.browser_path).result()  # not beside the browser of other tests
        running = threads.submit(asyncio.run, together(address, tmp_path, browser_path, pictures, best))
        peak = 0
        while not running.done():
            server = psutil.Process(process)
            peak = max(peak, sum(memory_of(one) for one in (server, *server.children(recursive=True))))
            time.sleep(0.2)
        seconds = sorted(running.result())
    print(f"{len(seconds)} answers, median {np.median(seconds):.1f} s, most {seconds[-1]:.1f} s; ", end="")
    print(f"at most {peak / 1e9:.2f} GB")
    assert peak < MAX_MEMORY


def memory_of(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
