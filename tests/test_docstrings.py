"""The examples in docstrings run and give what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [path for top in ("zoo", "audio", "vision") for path in sorted((ROOT / top).rglob("*.py"))]
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in ("zoo", *parts[parts[0] == "zoo" :]) if part != "__init__")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_give_what_they_show(path, readme_files):
    module = import_module(module_name(path))
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in doctest.DocTestFinder().find(module):
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0


def test_public_functions_have_examples():
    text = "".join(path.read_text(encoding="utf-8") for path in WITH_EXAMPLES)
    for name in ("networks", "describe", "load", "classify", "embed", "explain", "sound_events", "pitch"):
        assert f">>> zoo.{name}(" in text, name
