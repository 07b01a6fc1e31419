"""What the measurements of the app share: memory of the server, pages of visitors, photos of their own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Page, expect

import zoo


def memory_of(server: psutil.Process) -> int:
    """Resident memory of a process and all that it started, in bytes."""
    return sum(map(resident, (server, *server.children(recursive=True))))


def resident(process: psutil.Process) -> int:
    """Resident memory of a process in bytes; 0 if it has ended."""
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def go(page: Page, title: str) -> None:
    """Change to another page by its link, and wait until that is at rest."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def photos(folder: Path, count: int, seed: int, sample: str = "cat.png") -> list[Path]:
    """Parts of a sample photo with noise: no two visitors, and no two rounds, have the same."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    photo = Image.open(zoo.sample(sample)).convert("RGB")
    paths = []
    for number in range(count):
        left, top = rng.integers(0, 60, 2)
        part = photo.crop((left, top, photo.width - 60, photo.height - 60)).resize((640, 480))
        pixels = np.asarray(part, np.int16) + rng.integers(-20, 21, (480, 640, 3))
        paths.append(folder / f"{re.sub(r'[.].*', '', sample)}-{seed}-{number}.jpg")
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths
