"""Real files of every kind come out right; everything else is refused in one sentence."""

import io
import os
import threading
import wave
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile
import torch

from zoo.audio import signal
from zoo.audio.signal import is_one, mono, open_sound, read_mono, several
from zoo.core.errors import InputError

RATE = 16000


def tone(sample_rate: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    """(samples, channels): 440 Hz at half scale in the first channel, silence in the others."""
    samples = np.zeros((int(sample_rate * seconds), channels), np.float32)
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / sample_rate)
    return samples


def encode(samples: np.ndarray, sample_rate: int, container: str) -> bytes:
    """A file as `container`, made by libsndfile or by FFmpeg."""
    stream = io.BytesIO()
    if container in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(stream, samples, sample_rate, format=container)
        return stream.getvalue()
    codec = "libopus" if container == "webm" else "aac"
    kind = {"m4a": "ipod"}.get(container, container)
    with av.open(stream, "w", format=kind) as file:
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        track = file.add_stream(codec, rate=sample_rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate = sample_rate
        for packet in (*track.encode(frame), *track.encode(None)):
            file.mux(packet)
    return stream.getvalue()


def loudest(samples: np.ndarray) -> float:
    """Frequency of the largest peak, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("container", ["wav", "flac", "ogg", "mp3", "m4a", "mp4", "webm"])
def test_every_container_rate_and_channel_count(container, sample_rate, channels):
    if container == "webm" and sample_rate == 44100:
        sample_rate = 24000  # Opus knows no 44.1 kHz
    samples = read_mono(encode(tone(sample_rate, channels=channels), sample_rate, container), RATE)
    frame = 1024 / sample_rate  # lossy codecs pad the start and the end by a frame or two
    assert abs(len(samples) / RATE - 1) < 0.01 + 2.5 * frame
    assert loudest(samples) == pytest.approx(440, abs=3)
    level = samples[RATE // 4 : 3 * RATE // 4].std()
    assert level == pytest.approx(0.5 / np.sqrt(2) / channels, rel=0.1)  # the mean of the channels


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_sample_width_of_wav(subtype):
    stream = io.BytesIO()
    soundfile.write(stream, tone(RATE), RATE, format="wav", subtype=subtype)
    np.testing.assert_allclose(read_mono(stream.getvalue(), RATE), tone(RATE)[:, 0], atol=1 / 120)


def test_real_recordings_of_the_world(media):
    for path in (media / "sounds").iterdir():
        samples = read_mono(path, RATE)
        assert samples.dtype == np.float32
        assert np.abs(samples).max() > 0.01


@pytest.mark.parametrize(
    ("dtype", "factor"), [(np.int16, 2**15), (np.int32, 2**31), (np.float64, 1), (np.float32, 1)]
)
def test_arrays_are_scaled_by_their_type(dtype, factor):
    samples = (tone(RATE)[:, 0].astype(np.float64) * factor).astype(dtype)
    result = np.concatenate(list(mono(open_sound(samples, RATE), RATE)))
    np.testing.assert_allclose(result, tone(RATE)[:, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float16, 1e-3), (torch.bfloat16, 1e-2)]
)
def test_a_tensor_and_channels_first(dtype, tolerance):
    stereo = torch.from_numpy(tone(RATE, channels=2).T.copy()).to(dtype)
    result = np.concatenate(list(mono(open_sound(stereo, RATE), RATE)))
    np.testing.assert_allclose(result, tone(RATE)[:, 0] / 2, atol=tolerance)


def test_how_a_stream_is_cut_does_not_change_it():
    import soxr

    samples = np.random.default_rng(0).standard_normal(44100 * 25).astype(np.float32) * 0.1
    streamed = np.concatenate(list(mono(open_sound(samples, 44100), RATE)))
    whole = soxr.resample(samples, 44100, RATE, "HQ")
    assert len(streamed) == len(whole)
    np.testing.assert_allclose(streamed, whole, atol=1e-6)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"this is text, whatever its name says", "not a sound file"),
        (bytes(1000), "not a sound file"),
        (b"\x7fELF" + bytes(range(256)) * 20, "not a sound file"),
        (encode(tone(RATE), RATE, "mp4")[:300], "not a sound file"),
        (PLAYLIST, "not a sound file"),
        (encode(tone(RATE)[:0], RATE, "wav"), "no samples"),
    ],
    ids=["empty", "text", "zeros", "executable", "cut mp4", "play list", "no samples"],
)
def test_what_is_no_sound_is_refused(data, word):
    with pytest.raises(InputError, match=word):
        read_mono(data, RATE)


def test_a_video_without_sound_is_refused():
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as file:
        track = file.add_stream("mpeg4", rate=10)
        track.width = track.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for packet in (*track.encode(frame), *track.encode(None)):
            file.mux(packet)
    with pytest.raises(InputError, match="no sound in it"):
        read_mono(stream.getvalue(), RATE)


def test_a_wav_that_claims_0_hz_is_refused():
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(3200))
    data = bytearray(stream.getvalue())
    data[24:28] = bytes(4)
    with pytest.raises(InputError):
        read_mono(bytes(data), RATE)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad):
    samples = tone(RATE)[:, 0].copy()
    samples[100] = bad
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format="wav", subtype="FLOAT")
    for x, sample_rate in ((samples, RATE), (stream.getvalue(), None)):
        with pytest.raises(InputError, match="not a number"):
            list(mono(open_sound(x, sample_rate), RATE))


@pytest.mark.parametrize("loudness", [200, 32768, 1e30])
def test_samples_far_beyond_full_scale_are_refused(loudness):
    """As 16-bit samples that were made floats without scaling, even when quiet."""
    samples = loudness * tone(RATE)[:, 0] / 0.5
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format="wav", subtype="FLOAT")
    for x, sample_rate in ((samples, RATE), (torch.from_numpy(samples), RATE), (stream.getvalue(), None)):
        with pytest.raises(InputError, match="full scale is 1: pass 16-bit samples as int16"):
            list(mono(open_sound(x, sample_rate), RATE))


def test_float_recordings_that_clip_are_taken():
    samples = 20 * tone(RATE)[:, 0]
    np.testing.assert_array_equal(np.concatenate(list(mono(open_sound(samples, RATE), RATE))), samples)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_samples_of_64_bits_are_refused(dtype):
    """Lists of 16-bit samples become int64, at whose full scale they would be silence."""
    with pytest.raises(InputError, match="full scale is unknown: pass int16"):
        open_sound(np.array([0, 100, 200], dtype), RATE)


def test_a_flac_that_does_not_say_how_long_it_is():
    """A streamed encoder leaves the 36 bits of the sample count at 0."""
    data = bytearray(encode(tone(RATE), RATE, "flac"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert len(read_mono(bytes(data), RATE)) == RATE


@pytest.mark.parametrize("container", ["ogg", "mp3"])
def test_files_joined_end_to_end_are_heard_to_the_end(container):
    """As recordings of a stream are; libsndfile would stop at the first one's end."""
    one = encode(tone(RATE, 5), RATE, container)
    assert len(read_mono(one + one, RATE)) == pytest.approx(10 * RATE, rel=0.03)


def test_a_recording_whose_channels_change_midway():
    def adts(channels: int) -> bytes:
        stream = io.BytesIO()
        with av.open(stream, "w", format="adts") as file:
            layout = "mono" if channels == 1 else "stereo"
            track = file.add_stream("aac", rate=RATE, layout=layout)
            samples = np.repeat(tone(RATE, 3), channels, axis=1).T
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            frame.sample_rate = RATE
            for packet in (*track.encode(frame), *track.encode(None)):
                file.mux(packet)
        return stream.getvalue()

    samples = read_mono(adts(2) + adts(1), RATE)
    assert len(samples) == pytest.approx(6 * RATE, rel=0.1)
    assert samples[: 2 * RATE].std() == pytest.approx(samples[-2 * RATE :].std(), rel=0.1)


@pytest.mark.parametrize(("layout", "channels"), [("7.1", 8), ("hexadecagonal", 16)])
def test_many_channels_of_ffmpeg_do_not_end_the_process(layout, channels):
    """PyAV reads beyond the last plane of such frames."""
    stream, samples = io.BytesIO(), np.repeat(tone(RATE), channels, axis=1)
    with av.open(stream, "w", format="adts") as file:
        track = file.add_stream("aac", rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = RATE
        planar = av.AudioResampler("fltp", layout, RATE, frame_size=1024)
        for part in (*planar.resample(frame), None):
            for packet in track.encode(part):
                file.mux(packet)
    assert loudest(read_mono(stream.getvalue(), RATE)) == pytest.approx(440, abs=3)


def test_a_wav_that_was_never_finished_is_heard():
    data = bytearray(encode(tone(RATE), RATE, "wav"))
    data[4:8] = data[40:44] = bytes(4)
    assert len(read_mono(bytes(data), RATE)) == RATE


def test_a_wav_with_an_unknown_codec_is_refused():
    data = bytearray(encode(tone(RATE), RATE, "wav"))
    data[20:22] = b"\x99\x99"
    with pytest.raises(InputError, match=r"cannot be (decoded|read)"):
        read_mono(bytes(data), RATE)


def test_a_pipe_and_a_name_that_ends_with_raw(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(encode(tone(RATE), RATE, "wav"))
    assert len(read_mono(path, RATE)) == RATE
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes())).start()
    assert len(read_mono(pipe, RATE)) == RATE


@pytest.mark.parametrize(
    "sample_rate", [0, -1, 1, 1e9, float("nan"), "fast", "16000", b"16000", True, np.array([1, 2])]
)
def test_an_absurd_rate_is_refused(sample_rate):
    with pytest.raises(InputError, match="sample rate"):
        open_sound(tone(RATE)[:, 0], sample_rate)


@pytest.mark.parametrize(
    ("x", "sample_rate", "word"),
    [
        (np.zeros(10), None, "sample_rate="),
        (np.zeros((10, 10, 10)), RATE, "is not a recording"),
        (np.zeros((0, 5)), RATE, "no samples"),
        (torch.zeros(5, device="meta"), RATE, "cannot be read as a recording"),
        (None, RATE, "type NoneType is not a recording"),
        (np.array(["a"]), RATE, "is not a recording"),
        (np.zeros((16000, 2)), RATE, "transpose"),
        (b"RIFF", 16000, "states its own"),
    ],
)
def test_arrays_that_are_no_sound(x, sample_rate, word):
    with pytest.raises(InputError, match=word):
        open_sound(x, sample_rate)


def test_a_recording_that_is_too_long_is_refused_and_the_limit_can_be_moved(monkeypatch):
    data = encode(tone(8000, 5), 8000, "flac")
    with pytest.raises(InputError, match=r"2 s are allowed\.$"):
        read_mono(data, RATE, max_duration=2)
    monkeypatch.setenv("ZOO_MAX_SECONDS", "3")
    with pytest.raises(InputError, match="ZOO_MAX_SECONDS"):
        read_mono(data, RATE)
    monkeypatch.setenv("ZOO_MAX_SECONDS", "soon")
    with pytest.raises(InputError, match="ZOO_MAX_SECONDS='soon' is not a number"):
        read_mono(data, RATE)
    monkeypatch.setenv("ZOO_MAX_SECONDS", "10")
    assert len(read_mono(data, RATE)) == 5 * RATE


def test_a_folder_and_a_column_are_several_recordings(tmp_path):
    for name in ("b.wav", "sub/a.FLAC", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    paths = [tmp_path / "b.wav", tmp_path / "sub" / "a.FLAC"]
    for x in (tmp_path, f"{tmp_path}/**/*", np.array(paths), [tmp_path]):
        assert not is_one(x)
        assert several(x) == paths


def test_a_folder_of_real_recordings(media):
    paths = several(media / "esc10")
    assert len(paths) == len(list((media / "esc10").rglob("*.ogg")))
    assert all(len(read_mono(path, RATE)) > RATE for path in paths[::100])


def test_an_empty_list_and_nested_lists():
    assert several([]) == []
    for x in ([0.1, 0.2], [[0.1, 0.2], [0.1, 0.2]]):
        with pytest.raises(InputError, match="a recording made of numbers as a NumPy array"):
            several(x)


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="folder"):
        open_sound(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_sound(tmp_path / "missing.wav")


def matroska(packets: int, samples: int, sample_rate: int = 16000) -> bytes:
    """A recording in packets of so many samples each."""
    stream, second = io.BytesIO(), Fraction(1, sample_rate)
    with av.open(stream, "w", format="matroska") as container:
        track = container.add_stream("pcm_s16le", rate=sample_rate, layout="mono")
        for i in range(packets):
            packet = av.Packet(bytes(2 * samples))
            packet.stream, packet.pts, packet.dts, packet.time_base = track, i * samples, i * samples, second
            container.mux(packet)
    return stream.getvalue()


def test_tiny_packets_are_refused_and_small_ones_are_not():
    assert len(read_mono(matroska(6000, 100), 16000)) == 600_000
    with pytest.raises(InputError, match=r"^bytes 1 is split into too many pieces; save it again\.$"):
        read_mono(matroska(6000, 1), 16000)


@pytest.mark.parametrize(("sample_rate", "channels", "kind"), [(655_350, 8, "flac"), (192_000, 255, "wav")])
def test_samples_a_second_are_limited_over_all_channels(sample_rate, channels, kind):
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros((100, channels), np.int16), sample_rate, format=kind)
    with pytest.raises(InputError, match=f"has {channels} channels of {sample_rate} Hz"):
        open_sound(stream.getvalue())


def test_a_recording_that_is_slow_to_decode_is_left(monkeypatch):
    monkeypatch.setattr(signal, "DECODE_SECONDS", (0, 0))
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16000 * 30, np.int16), 16000, format="flac")
    with pytest.raises(InputError, match="takes too long to decode"):
        read_mono(stream.getvalue(), 16000)
