"""Long recordings are left at once, by Ctrl-C or by whoever watches progress, and their file is closed."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo

WAIT = 240  # s, for a process on a busy machine to import and load all, or to end


@pytest.fixture(scope="module")
def long_wav(tmp_path_factory) -> Path:
    """Three hours, which no network of the zoo hears within minutes."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.zeros(3 * 3600 * 1000, np.int16), 1000, subtype="PCM_U8")
    return path


class Stop(Exception):
    """Raised by a progress callable."""


VERBS = {
    "events": lambda path, net, progress: zoo.sound_events(path, network=net("yamnet"), progress=progress),
    "pitch": lambda path, net, progress: zoo.pitch(path, network=net("crepe.tiny"), progress=progress),
    "notes": lambda path, net, progress: zoo.notes(path, network=net("basicpitch"), progress=progress),
    "viterbi": lambda path, net, progress: zoo.pitch(
        path, network=net("crepe.tiny"), decoder="viterbi", progress=progress
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_progress_that_raises_stops_the_verb_and_closes_the_file(net, long_wav, monkeypatch, verb):
    opened, reports = [], []
    original = Path.open

    def remember(self, *arguments, **options):
        stream = original(self, *arguments, **options)
        if self == long_wav:
            opened.append(stream)
        return stream

    def progress(seconds):
        reports.append(seconds)
        if len(reports) == 2:
            assert not opened[0].closed
            raise Stop

    monkeypatch.setattr(Path, "open", remember)
    with pytest.raises(Stop) as stop:
        VERBS[verb](long_wav, net, progress)
    assert len(reports) == 2
    assert reports[-1] < 120  # read no further ahead than a few blocks
    assert len(opened) == 1
    assert opened[0].closed, stop  # even while somebody keeps the traceback


@pytest.mark.parametrize("arguments", [("events",), ("pitch", "--network", "crepe.tiny")], ids=" ".join)
def test_control_c_ends_a_long_run(net, long_wav, arguments):
    """With code 130, which says so to a shell, nothing on stdout, and no traceback."""
    termios = pytest.importorskip("termios", reason="needs a terminal of POSIX, on which progress is shown")
    net("yamnet" if arguments[0] == "events" else "crepe.tiny")  # fetched, so that only the sound takes time
    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (24, 80))  # tqdm shows nothing where there is no room
    command = [sys.executable, "-m", "zoo", arguments[0], str(long_wav), *arguments[1:], "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, preexec_fn=_mind)
    os.close(end)
    try:
        output = _read(terminal, until=long_wav.name)
        assert long_wav.name in output, output
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WAIT)
        output += _read(terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert process.returncode == 130
    assert out == b""
    assert "Traceback" not in output


def _mind() -> None:
    """Take SIGINT seriously, which a shell's background jobs, and so what they start, do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(terminal: int, until: str | None = None) -> str:
    """What is shown until some text is, or nothing more comes."""
    output, end = b"", time.monotonic() + WAIT
    while time.monotonic() < end and not (until and until.encode() in output):
        if not select.select([terminal], [], [], 1)[0]:
            if until:
                continue
            break
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so where the other end is closed
            break
        if not part:
            break
        output += part
    return output.decode(errors="replace")
