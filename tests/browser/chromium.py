"""Find a browser for the tests, or bring one: ``python -m tests.browser.chromium --install``.

In this order: an installed Chromium or Chrome, Playwright's own, Debian's packages (as root), a download by
Playwright. The headless shell comes first: it is the same browser without windows, and takes a fifth less
processor time.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def find() -> str | None:
    """Path of a browser that Playwright can drive, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return next((path for path in [*map(shutil.which, NAMES), own] if path and _runs(path)), None)


def _runs(path: str) -> bool:
    """Whether a browser is there with all the libraries that it needs."""
    if not Path(path).exists():
        return False
    run = subprocess.run([path, "--version"], capture_output=True, text=True)
    if run.returncode:
        print(f"{path} does not run: {run.stderr.strip()}", file=sys.stderr)
    return run.returncode == 0


def browser_path() -> str:
    """The path of a browser; without one a test is skipped, or fails where ``ZOO_REQUIRE_BROWSER`` is set."""
    import pytest

    path = find()
    if path is None and os.environ.get("ZOO_REQUIRE_BROWSER"):
        pytest.fail("no Chromium or Chrome, and ZOO_REQUIRE_BROWSER wants one")
    if path is None:
        pytest.skip("no Chromium or Chrome on this machine; `make test` brings one where it can")
    return path


def install() -> None:
    """Bring a browser if there is none; what cannot be done is said on stderr."""
    if find():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment)
        for package in NAMES[:2]:
            command = ["apt-get", "install", "-y", "-qq", package, "fonts-dejavu-core"]
            if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode == 0:
                break
    if not find():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if not find():
        print("No browser: install Chromium or Chrome, or the browser tests are skipped.", file=sys.stderr)


if __name__ == "__main__":
    install() if sys.argv[1:] == ["--install"] else print(find() or "no browser")
