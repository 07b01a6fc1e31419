"""The wheel in an environment that has only what it requires without extras."""

import json
import subprocess

import pytest

from tests.environments import install_wheel, link_core
from zoo.core.extras import EXTRAS

# Libraries of an extra that libraries of the core bring as well, and pkg_resources, which a virtual
# environment may have.
UNDECLARED = ("jinja2", "urllib3", "pkg_resources")


OPTIONAL = tuple(module for modules in EXTRAS.values() for module in modules if module not in UNDECLARED)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    python, packages = install_wheel(tmp_path_factory.mktemp("core"))
    link_core(packages)
    script = f"from importlib.util import find_spec; print([m for m in {OPTIONAL} if find_spec(m)])"
    assert run(python, "-c", script).stdout.strip() == "[]"
    return python


def run(python, *arguments):
    done = subprocess.run(
        [python, *arguments], cwd=python.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.exhaustive  # the demo runs the same networks
def test_networks_of_the_core_answer(python):
    script = """
import zoo
print(zoo.classify(zoo.sample("cat.png"), network="squeezenet").labels[0])
print(zoo.embed(zoo.sample("bicycle-bell.wav"), network="yamnet").values.shape[-1])
print(len(zoo.pitch(zoo.sample("melody.wav"), network="crepe.tiny").frequency) > 100)
"""
    label, width, tracked = run(python, "-c", script).stdout.splitlines()
    assert "cat" in label
    assert (width, tracked) == ("1024", "True")


def test_the_demo_answers(python):
    output = run(python, "-m", "zoo", "demo").stdout
    assert "squeezenet.caffe: Egyptian cat" in output
    assert "efficientnet_lite0.tf: timm is not installed" in output
    assert "Bicycle bell" in output


COMMANDS = {
    "app": ("streamlit", "app"),
    "summary xception --json": ("timm", "hub"),
    "info timm:resnet10t.c3_in1k": ("timm", "hub"),
    "info hf:owner/repository": ("transformers", "hub"),
    "train builtin:digits --out net --network squeezenet": ("re2", "train"),
    "export squeezenet --to net.onnx": ("onnx", "export"),
}
CALLS = {
    "zoo.transfer": ("re2", "train"),
    "zoo.load('openl3', weights=None).embed(zoo.sample('melody.wav'))": ("librosa", "hub"),
    "zoo.load('squeezenet', engine='onnxruntime').classify(zoo.sample('cat.png'))": ("onnx", "export"),
}
RUN_ALL = f"""
import contextlib, io, json, sys
import zoo
from zoo import cli
ends = {{}}
for command in {list(COMMANDS)}:
    sys.argv = ["zoo", *command.split()]
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        try: cli.main()
        except SystemExit as stop: ends[command] = (stop.code, stderr.getvalue())
for call in {list(CALLS)}:
    try: eval(call)
    except zoo.MissingLibraryError as error: ends[call] = str(error)
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def ends(python):
    """How each command and call ends: all in one process, since importing zoo takes longest."""
    return json.loads(run(python, "-c", RUN_ALL).stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_missing_is_said_with_the_command_that_brings_it(ends, command):
    assert ends[command] == [2, f"zoo: {missing(*COMMANDS[command])}\n"]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_says_it_too(ends, call):
    assert ends[call] == missing(*CALLS[call])


def missing(library, extra):
    return f"{library} is not installed; run: pip install 'zoo-pretrained[{extra}]'."
