"""What docs/matlab.md names exists: functions and their options, methods and networks."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import zoo

PAGE = (Path(__file__).parents[1] / "docs" / "matlab.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SPANS = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PAGE)
PYTHON = [*BLOCKS, *sorted({span for span in SPANS if re.match(r"(zoo|net)\.", span)})]
OWNERS = {"zoo": lambda: zoo, "net": lambda: zoo.Network}


def calls(code: str) -> list[tuple[str, ast.Call]]:
    """Calls of ``zoo.name`` and ``net.name``, each with the name of its owner."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    called = [node for node in nodes if isinstance(node.func, ast.Attribute)]
    return [(node.func.value.id, node) for node in called if isinstance(node.func.value, ast.Name)]


def test_the_page_names_functions():
    assert len(PYTHON) > 30


@pytest.mark.parametrize("code", PYTHON)
def test_public_names_exist(code):
    assert set(re.findall(r"\bzoo\.(\w+)", code)) <= set(zoo.__all__)


@pytest.mark.parametrize("code", PYTHON)
def test_calls_fit_the_signatures(code):
    for owner, call in calls(code):
        if owner in OWNERS:
            function = getattr(OWNERS[owner](), call.func.attr)
            itself = [None] if owner == "net" else []
            options = {keyword.arg: None for keyword in call.keywords}
            inspect.signature(function).bind(*itself, *call.args, **options)


def test_networks_exist():
    names = {name for code in PYTHON for name in re.findall(r'(?:load|describe)\("([^":/]+)"', code)}
    names |= {name for code in PYTHON for name in re.findall(r'network="([^":/]+)"', code)}
    assert names
    for name in names:
        zoo.describe(name)
