"""A command loads the libraries that its answer needs, and no others: importing them takes seconds."""

import subprocess
import sys

import pytest

import zoo
from zoo.hub import weights

HEAVY = {
    "librosa",
    "matplotlib",
    "networkx",
    "numba",
    "onnx",
    "pandas",
    "plotly",
    "scipy",
    "sklearn",
    "streamlit",
    "sympy",
    "tensorflow",
    "timm",
    "torch._dynamo",
    "torch.onnx",
    "torchaudio",
    "torchvision",
    "transformers",
    "triton",
}
REPORT = """
import sys
sys.argv = ["zoo", *sys.argv[1:]]
from zoo import cli
try:
    cli.main()
except SystemExit as stop:
    assert not stop.code
print(*sys.modules, sep="\\n", file=sys.stderr)
"""
COMMANDS = {
    "classify": (["cat.png", "--network", "squeezenet"], {"onnxruntime", "PIL"}),
    "events": (["bicycle-bell.wav"], {"onnxruntime"}),
    "pitch": (["melody.wav", "--network", "crepe.tiny"], {"torch"}),
}


def modules_of(command: str, sample: str, *options: str) -> set[str]:
    """Run a command in a process of its own and list what it has imported."""
    arguments = [command, str(zoo.sample(sample)), *options, "--json"]
    process = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=True
    )
    assert process.stdout.startswith(("[", "{"))
    return set(process.stderr.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_no_library_that_its_answer_does_not_need(command, run):
    arguments, needed = COMMANDS[command]
    run(command, zoo.sample(arguments[0]), *arguments[1:])  # exports the graph that the cache may lack
    loaded = modules_of(command, *arguments)
    assert needed <= loaded
    assert HEAVY & loaded == set()


@pytest.mark.parametrize("command", ["classify", pytest.param("events", marks=pytest.mark.exhaustive)])
def test_a_first_call_exports_its_network_without_the_libraries_of_others(
    command, run, tmp_path, monkeypatch
):
    arguments, needed = COMMANDS[command]
    run(command, zoo.sample(arguments[0]), *arguments[1:])  # fetches what the cache does not have
    for folder in ("weights", "samples"):
        (tmp_path / folder).symlink_to(weights.cache_folder() / folder)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    loaded = modules_of(command, *arguments)
    assert list((tmp_path / "engines").glob("*.onnx"))
    assert needed <= loaded
    assert HEAVY & loaded == {"onnx", "torch.onnx"}
