"""The wheel, installed away from the checkout."""

import json
import signal
import subprocess
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.serving import free_port
from tests.environments import install_wheel


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that has the wheel, and shares the libraries of this one but not its checkout."""
    python, packages = install_wheel(tmp_path_factory.mktemp("wheel"))
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(python, *arguments, cwd):
    done = subprocess.run([python, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_works_beside_files_of_the_same_name(python, tmp_path):
    for name in ("audio.py", "vision.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong module')")
    (tmp_path / "script.py").write_text(
        "import zoo; print(zoo.__file__); print(zoo.load('yamnet', weights=None).name)"
    )
    file, name = run(python, "script.py", cwd=tmp_path).split()
    assert Path(file).is_relative_to(python.parents[1])
    assert name == "yamnet.audioset"


@pytest.mark.exhaustive  # tests/test_extras.py runs the demo of the wheel with fewer libraries
def test_the_demo_answers(python, tmp_path):
    out = run(python, "-m", "zoo", "demo", cwd=tmp_path)
    for words in ("squeezenet.caffe: Egyptian cat", "Bicycle bell", "C4 D4 E4"):
        assert words in out


def test_the_records_are_all_there(python, tmp_path):
    assert len(json.loads(run(python, "-m", "zoo", "list", "--json", cwd=tmp_path))) > 40


def test_the_app_answers_with_its_configuration(python, tmp_path):
    port = free_port()
    command = [python, "-m", "zoo", "app", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as app:
        try:
            page = answer(f"http://localhost:{port}/", app)
            assert b"<title>" in page.read()
            assert "content-security-policy" in page.headers
            health = json.load(answer(f"http://localhost:{port}/_stcore/host-config", app))
            assert health["allowedOrigins"] == []  # of the configuration that comes with the wheel
        finally:
            app.send_signal(signal.SIGTERM)


def answer(url, app, seconds=120):
    end = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url, timeout=10)
        except OSError:
            assert app.poll() is None, app.stdout.read()
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
