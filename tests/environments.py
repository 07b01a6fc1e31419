"""Environments of their own, made from the wheel and the libraries that are installed here."""

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
UV = [sys.executable, "-m", "uv"]


def install_wheel(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and install it alone; gives the environment's Python and its folder of packages."""
    subprocess.run([*UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([*UV, "pip", "install", "--quiet", "--no-deps", "--python", python, wheel], check=True)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    return python, packages


def link_core(packages: Path) -> None:
    """Give an environment what the metadata require without an extra, as links to what is installed here."""
    for name in required_by("zoo-pretrained") - {"zoo-pretrained"}:
        installed = distribution(name)
        tops = {file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (packages / top).exists():
                (packages / top).symlink_to(installed.locate_file(top))


def required_by(name: str) -> set[str]:
    """The names of a distribution and of all that it requires on this machine."""
    names: set[str] = set()
    waiting = {Requirement(name)}
    visited: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", requirement.name).lower(), frozenset(requirement.extras))
        if key in visited:
            continue
        visited.add(key)
        names.add(key[0])
        lines = [Requirement(line) for line in distribution(key[0]).requires or ()]
        for extra in ["", *key[1]]:
            waiting |= {line for line in lines if not line.marker or line.marker.evaluate({"extra": extra})}
    return names
