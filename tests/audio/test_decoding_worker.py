"""Helper processes give the same blocks as the library, and end at their limits."""

import io
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import soundfile

import zoo
from tests.audio.test_signal import encode, tone
from zoo.audio import decoding_worker
from zoo.audio.signal import AudioStream, open_sound, read_mono
from zoo.core.environment import ISOLATED
from zoo.core.errors import InputError

RATE = 8000
LONG = tone(RATE, 25, channels=2)  # three blocks
SOUNDS = {kind: encode(LONG, RATE, kind) for kind in ("wav", "flac", "mp3", "ogg", "m4a")}


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    monkeypatch.setenv(ISOLATED, "1")


@pytest.fixture
def in_process(monkeypatch):
    """The same without helper processes."""

    def call(function, *arguments):
        with monkeypatch.context() as here:
            here.setenv(ISOLATED, "0")
            return function(*arguments)

    return call


@pytest.fixture
def no_decoder_here(monkeypatch):
    monkeypatch.setattr(soundfile, "SoundFile", lambda *_, **__: pytest.fail("decoded here"))
    monkeypatch.setattr(av, "open", lambda *_, **__: pytest.fail("decoded here"))


def helpers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "zoo.audio.decoding_process" in one.cmdline()]


def opened(x: object) -> tuple[AudioStream, psutil.Process]:
    """A recording, and the helper that it has."""
    decoding_worker._idle.clear()
    before = helpers()
    sound = open_sound(x)
    (helper,) = [one for one in helpers() if one not in before]
    return sound, helper


def content(x: object) -> tuple[float, float | None, list[np.ndarray]]:
    sound = open_sound(x)
    return sound.sample_rate, sound.duration, list(sound.blocks)


@pytest.mark.parametrize("data", SOUNDS.values(), ids=SOUNDS)
def test_helpers_give_the_same_as_the_library(data, in_process):
    sample_rate, duration, blocks = content(data)
    expected_rate, expected_duration, expected = in_process(content, data)
    assert (sample_rate, duration) == (expected_rate, expected_duration)
    assert len(blocks) == len(expected) == 3
    for block, other in zip(blocks, expected, strict=True):
        assert block.dtype == other.dtype
        np.testing.assert_array_equal(block, other)


def test_errors_are_the_same_and_name_the_file(tmp_path, in_process):
    damaged = bytearray(SOUNDS["flac"])
    damaged[len(damaged) // 2 :: 7] = bytes(len(damaged[len(damaged) // 2 :: 7]))
    files = {
        "text.wav": b"text",
        "cut.m4a": SOUNDS["m4a"][:300],
        "empty.mp3": b"",
        "damaged.flac": bytes(damaged),
        "none.raw": encode(LONG[:0], RATE, "wav"),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError) as expected:
            in_process(read_mono, path, RATE)
        with pytest.raises(InputError) as raised:
            read_mono(path, RATE)
        assert str(raised.value) == str(expected.value)
        assert str(path) in str(raised.value)


def test_sound_events_never_decode_in_this_process(no_decoder_here, tmp_path, net, in_process):
    path = tmp_path / "long.wav"
    path.write_bytes(SOUNDS["wav"])
    result = zoo.sound_events(path, network=net("yamnet"))
    with pytest.raises(pytest.fail.Exception, match="decoded here"):
        in_process(lambda: zoo.sound_events(path, network=net("yamnet")))
    assert result.events


def test_a_slow_file_is_ended_and_the_next_is_decoded(monkeypatch):
    data = encode(np.zeros((48000 * 120, 2), np.float32), 48000, "m4a")
    with monkeypatch.context() as here:
        here.setattr(decoding_worker, "DECODE_SECONDS", (0.05, 0))
        here.setattr(decoding_worker, "_PATIENCE", 1000)
        with pytest.raises(InputError, match=r"^bytes 1 takes too long to decode; save it again"):
            read_mono(data, RATE)
    assert len(read_mono(SOUNDS["wav"], RATE)) == len(LONG)


def test_a_helper_that_hangs_costs_one_file(monkeypatch):
    sound, helper = opened(SOUNDS["wav"])
    helper.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(decoding_worker, "_PATIENCE", 0.01)
    with pytest.raises(InputError, match="takes too long to decode"):
        next(sound.blocks)
    assert not helper.is_running()
    monkeypatch.undo()
    monkeypatch.setenv(ISOLATED, "1")
    assert len(read_mono(SOUNDS["wav"], RATE)) == len(LONG)


def test_a_file_that_takes_too_much_memory_is_ended(monkeypatch):
    with monkeypatch.context() as here:
        here.setattr(decoding_worker, "_BASE_BYTES", 20_000_000)
        here.setattr(decoding_worker, "_FILE_COPIES", 0)
        with pytest.raises(InputError, match="takes more than 20 MB of memory"):
            read_mono(SOUNDS["mp3"], RATE)
    assert len(read_mono(SOUNDS["wav"], RATE)) == len(LONG)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_helper_that_is_killed_costs_one_file(noticed):
    sound, helper = opened(SOUNDS["wav"])
    other = open_sound(SOUNDS["wav"])
    next(sound.blocks), next(other.blocks)
    helper.kill()
    if noticed:  # the next call starts another process, which knows no recording
        helper.wait()
    with pytest.raises(InputError, match=r"^bytes 1 cannot be decoded\.$"):
        next(sound.blocks)
    assert [len(block) for block in other.blocks] == [10 * RATE, 5 * RATE]
    assert len(read_mono(SOUNDS["wav"], RATE)) == len(LONG)


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is a part of Linux")
def test_helpers_decode_in_the_sandbox_without_torch():
    sound, helper = opened(SOUNDS["mp3"])
    next(sound.blocks)
    status = Path(f"/proc/{helper.pid}/status").read_text().splitlines()
    assert "Seccomp:\t2" in status  # filtered
    assert "NoNewPrivs:\t1" in status
    assert "torch" not in Path(f"/proc/{helper.pid}/maps").read_text()


def drop(sound: AudioStream) -> None:
    del sound


def close(sound: AudioStream) -> None:
    sound.blocks.close()


def read(sound: AudioStream) -> None:
    assert sum(map(len, sound.blocks))


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("leave", [drop, close, read])
def test_a_recording_that_is_left_frees_its_helper(leave, blocks):
    places = decoding_worker._places.qsize()
    sound, helper = opened(SOUNDS["wav"])
    for _ in range(blocks):
        next(sound.blocks)
    assert decoding_worker._places.qsize() == places - 1
    lent = [sound]
    del sound
    leave(lent.pop())
    assert decoding_worker._places.qsize() == places
    before = len(helpers())
    np.testing.assert_allclose(read_mono(SOUNDS["flac"], RATE), LONG.mean(axis=1), atol=1e-4)
    assert helper.is_running()
    assert len(helpers()) == before  # it was used again


@pytest.mark.parametrize("data", [SOUNDS["wav"], SOUNDS["mp3"]], ids=["wav", "mp3"])
def test_a_recording_that_is_too_long_frees_its_helper(data):
    places = decoding_worker._places.qsize()
    with pytest.raises(InputError, match=r"2 s are allowed\.$"):
        open_sound(data, max_duration=2)
    assert decoding_worker._places.qsize() == places


def test_recordings_are_decoded_side_by_side(in_process):
    samples = {}

    def hear(kind):
        samples[kind] = read_mono(SOUNDS[kind], RATE)

    threads = [threading.Thread(target=hear, args=(kind,)) for kind in SOUNDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kind, data in SOUNDS.items():
        np.testing.assert_array_equal(samples[kind], in_process(read_mono, data, RATE))
    assert len(decoding_worker._idle) <= decoding_worker.KEPT


def test_no_more_than_a_number_of_recordings_are_open(monkeypatch):
    places = queue.SimpleQueue()
    places.put(None)
    monkeypatch.setattr(decoding_worker, "_places", places)
    monkeypatch.setattr(decoding_worker, "WAIT_SECONDS", 0.1)
    first = open_sound(SOUNDS["wav"])
    with pytest.raises(InputError, match=r"^bytes 1 has waited 0\.1 s"):
        open_sound(SOUNDS["wav"])
    monkeypatch.setattr(decoding_worker, "WAIT_SECONDS", 60)
    threading.Timer(0.2, first.blocks.close).start()
    assert len(read_mono(SOUNDS["wav"], RATE)) == len(LONG)


def test_a_file_that_no_helper_could_hold_is_refused(monkeypatch):
    monkeypatch.setattr(decoding_worker, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(InputError, match=r"^bytes 1 is larger than 1 MB, the most"):
        open_sound(bytes((1 << 20) + 1))


GOOD = {"sample_rate": RATE, "duration": 1.0}


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({}, []),
        ({"sample_rate": "8000", "duration": 1.0}, []),
        ({"sample_rate": 10**400, "duration": 1.0}, []),
        ({"sample_rate": RATE, "duration": 10**400}, []),
        ({"sample_rate": RATE, "duration": float("nan")}, []),
        (GOOD, [np.zeros((2, 1), np.float64)]),
        (GOOD, [np.zeros(2, np.float32)]),
        (GOOD, [np.zeros((2, 2), np.float32)]),
        (GOOD, [np.zeros((2, 1), np.float32)] * 2),
    ],
)
def test_what_a_helper_sends_is_checked(header, arrays, monkeypatch):
    answers = {"open": (header, []), "next": ({}, arrays), "close": ({}, [])}
    monkeypatch.setattr(
        decoding_worker.Worker, "call", lambda _, request, *__, **___: answers[request["action"]]
    )
    with pytest.raises(InputError, match=r"^bytes 1 cannot be decoded\.$"):
        read_mono(b"any", RATE)


def test_a_program_that_ends_with_open_recordings_says_nothing(tmp_path):
    path = tmp_path / "long.wav"
    path.write_bytes(SOUNDS["wav"])
    program = (
        f"from zoo.audio.signal import open_sound; sound = open_sound({str(path)!r}); next(sound.blocks)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_upload_is_left_as_it_was(in_process):
    upload = io.BytesIO(SOUNDS["mp3"])
    upload.name = "song.mp3"
    np.testing.assert_array_equal(read_mono(upload, RATE), in_process(read_mono, upload, RATE))
