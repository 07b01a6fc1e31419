"""The memory of the app while one visitor uses all pages: ``python -m benchmarks.app_memory``.

In each round one session changes from page to page by the links, and brings new photos and recordings to
each. After each page the resident memory of the server and of its child processes is printed as CSV;
with ``--plot curve.html`` the curve is drawn too. ``--set NAME=VALUE`` sets an environment variable of the
server, so that two runs compare two settings.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import soundfile
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.browsing import go, memory_of, photos, resident
from tests.browser import chromium
from tests.browser.reading import opened, settled
from tests.browser.serving import served

PATIENCE = 600_000  # ms


def recording(folder: Path, seed: int, seconds: int = 60) -> Path:
    """Tones that come and go."""
    times = np.arange(16000 * seconds) / 16000
    pitch = 220 + 20 * (seed % 12)
    samples = 0.5 * np.sin(2 * np.pi * pitch * times) * (np.sin(2 * np.pi * times / 4) > 0)
    path = folder / f"recording-{seed}.wav"
    soundfile.write(path, samples.astype(np.float32), 16000)
    return path


def pictures(page: Page, folder: Path, seed: int) -> None:
    paths = photos(folder, 4, seed)
    page.locator('input[type="file"]').first.set_input_files(paths)
    for path in paths:
        expect(page.get_by_alt_text(f"The picture {path.name}")).to_be_visible()
    settled(page)


def sound(page: Page, folder: Path, seed: int) -> None:
    page.locator('input[type="file"]').first.set_input_files(recording(folder, seed))
    page.locator(".playhead").wait_for(state="attached")
    settled(page)


def embeddings(page: Page, folder: Path, seed: int) -> None:
    page.locator('input[type="file"]').first.set_input_files(photos(folder, 20, seed))
    expect(page.get_by_text(re.compile(r"^The map shows \d+% of the variance"))).to_be_visible()
    settled(page)


def compare(page: Page, folder: Path, seed: int) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    settled(page)


def networks(page: Page, folder: Path, seed: int) -> None:
    expect(page.get_by_text("Fidelity.")).to_be_visible()


def teach(page: Page, folder: Path, seed: int) -> None:
    for number, sample in ((1, "cat.png"), (2, "coffee.png")):
        box = page.get_by_role("region", name=f"Examples of Class {number}")
        box.locator('input[type="file"]').set_input_files(photos(folder, 20, seed, sample))
        settled(page)
    expect(page.get_by_text("Advice:")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Teach").click()
    expect(page.get_by_text("Taught:")).to_be_visible()
    settled(page)


STEPS: dict[str, Callable[[Page, Path, int], None]] = {
    "Pictures": pictures,
    "Sounds": sound,
    "Pitch": sound,
    "Embeddings": embeddings,
    "Compare": compare,
    "Teach": teach,
    "Networks": networks,
}


def measure(rounds: int, pages: list[str], environment: dict[str, str]) -> list[dict[str, object]]:
    """Return a row after each page: the seconds so far, and the memory in MB."""
    rows: list[dict[str, object]] = []
    expect.set_options(timeout=PATIENCE)
    browser_path = chromium.find()
    with (
        tempfile.TemporaryDirectory() as folder,
        served(**environment) as (address, pid),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser_path, args=chromium.FLAGS) as browser,
        opened(browser) as page,
    ):
        server, begin = psutil.Process(pid), time.monotonic()
        page.set_default_timeout(PATIENCE)
        page.goto(address)

        def note(number: int, name: str) -> None:
            own = resident(server)
            rows.append(
                {
                    "round": number,
                    "page": name,
                    "seconds": round(time.monotonic() - begin),
                    "server_mb": round(own / 1e6),
                    "children_mb": round((memory_of(server) - own) / 1e6),
                }
            )
            print(*rows[-1].values(), sep=",", flush=True)

        print("round,page,seconds,server_mb,children_mb")
        note(0, "Home")
        for number in range(1, rounds + 1):
            for name in pages:
                go(page, name)
                STEPS[name](page, Path(folder), 100 * number)
                note(number, name)
    return rows


def plot(rows: list[dict[str, object]], path: Path) -> None:
    """Draw the memory over time."""
    from plotly.graph_objects import Figure

    figure = Figure()
    for column in ("server_mb", "children_mb"):
        figure.add_scatter(
            x=[row["seconds"] for row in rows],
            y=[row[column] for row in rows],
            text=[f"{row['page']}, round {row['round']}" for row in rows],
            name=column,
        )
    figure.update_layout(xaxis_title="time (s)", yaxis_title="resident memory (MB)", yaxis_rangemode="tozero")
    figure.write_html(path, include_plotlyjs="inline")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", dest="environment")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    environment = dict(setting.split("=", 1) for setting in options.environment)
    rows = measure(options.rounds, options.pages, environment)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
