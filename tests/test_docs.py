"""Links of the documents lead to files, and the paths that they name exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

import zoo
from zoo.cli import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TOP = ("zoo", "audio", "vision", "tests", "benchmarks", "docs")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_links_lead_to_files(document):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [
        target
        for target in targets
        if not target.startswith(("https:", "http:")) and not (document.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_paths_in_code_exist(document):
    code = re.findall(r"`([\w./-]+)`", document.read_text(encoding="utf-8"))
    paths = [path for path in code if path.partition("/")[0] in TOP and "/" in path]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_dotted_names_of_modules_exist(document):
    """``zoo.audio.vggish.postprocess`` is a file with that name in it."""
    for name in re.findall(r"`(zoo(?:\.[a-z_]+)+)", document.read_text(encoding="utf-8")):
        parts = name.split(".")
        folders = [ROOT.joinpath(*parts[:i]) for i in range(2, len(parts) + 1)]
        existing = [path for path in folders if path.is_dir() or path.with_suffix(".py").is_file()]
        if not existing:
            assert parts[1] in zoo.__all__, name
            continue
        rest = parts[len(existing) + 1 :]
        file = existing[-1].with_suffix(".py") if not existing[-1].is_dir() else existing[-1] / "__init__.py"
        assert not rest or rest[0] in file.read_text(encoding="utf-8"), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_commands_and_their_options_exist(document):
    """In blocks of shell, and in lines such as `zoo list --json`."""
    commands, text = get_command(app).commands, document.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    for line in [*blocks, *re.findall(r"(?<!`)`(zoo [^`\n]+)`(?!`)", text)]:
        program, *words = shlex.split(line, comments=True) or [""]
        if program == "zoo" and not words[0].startswith("-"):
            options = {option for parameter in commands[words[0]].params for option in parameter.opts}
            assert {word for word in words if re.match("--?[a-z]", word)} <= options, line


def test_every_decision_is_in_the_list():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in sorted(folder.glob("[0-9]*.md"))]
    assert re.findall(r"\]\((\d{3}-[\w-]+\.md)\)", index) == files
    assert [int(name[:3]) for name in files] == list(range(1, len(files) + 1))
