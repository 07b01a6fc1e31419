"""The command line in this process, and files for it."""

import sys

import numpy as np
import pytest
import soundfile
from PIL import Image

from zoo import cli

RATE = 16000


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return call


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Good and bad files of every kind."""
    folder = tmp_path_factory.mktemp("files")
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    soundfile.write(folder / "tone.wav", tone, RATE)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    soundfile.write(folder / "one.wav", np.zeros(1), RATE)
    soundfile.write(folder / "huge.wav", np.full(RATE, 3e38, np.float32), RATE, subtype="FLOAT")
    broken = bytearray((folder / "tone.wav").read_bytes())
    broken[24:28] = bytes(4)
    (folder / "0hz.wav").write_bytes(broken)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    noise.save(folder / "noise.jpg")
    whole = (folder / "noise.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("1", (20000, 20000)).save(folder / "bomb.png")
    for name in ("empty.wav", "empty.jpg"):
        (folder / name).write_bytes(b"")
    for name in ("text.wav", "text.jpg"):
        (folder / name).write_text("this is text")
    (folder / "no files").mkdir()
    return folder
