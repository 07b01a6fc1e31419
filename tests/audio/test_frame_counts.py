"""How many windows a recording has: the published definition, for every network of the catalog."""

import math

import numpy as np
import pytest

import zoo
from zoo.inference.build import preprocessor


def yamnet(n: int) -> int:
    """``features.py``, pad_waveform: to a patch of 15600 samples at least, then to whole hops of 7680."""
    return 1 + math.ceil((max(n, 15600) - 15600) / 7680)


def vggish(n: int) -> int:
    """``mel_features.py``, frame, twice: whole frames of 400 samples every 160, then whole 96 of those."""
    frames = max(0, 1 + (n - 400) // 160)
    return max(0, 1 + (frames - 96) // 96)


def openl3(n: int) -> int:
    """``core.py``, center_audio and pad_audio: 24000 zeros in front, then to 48000 and whole hops of 4800."""
    return 1 + math.ceil(max(n + 24000 - 48000, 0) / 4800)


def crepe(n: int) -> int:
    """``core.py``, get_activation: 512 zeros on either side, then whole frames of 1024 every 160."""
    return 1 + (n + 2 * 512 - 1024) // 160


def swiftf0(n: int) -> int:
    """Rows of a hop each, the last filled up; the whole ones are the frames, see `SwiftFrames`."""
    return max(1, math.ceil(n / 256))


def basicpitch(n: int) -> int:
    """``inference.py``, get_audio_input: windows of 2 s less a hop, of which 30 frames overlap.

    The package makes one more where a recording ends in the second half of the last overlap; its frames are
    all behind the end.
    """
    return max(1, math.ceil(n / 36164))


def silero(n: int) -> int:
    """``sequence_vad.py``, frame_blocks: 512 new samples each, the last filled up."""
    return max(1, math.ceil(n / 512))


# What fills the first window, and the counts, which the published definitions give for: nothing, one sample,
# one less than that, that, one more, and 15 s.
EXPECTED = {
    "yamnet": (yamnet, 15600, (1, 1, 1, 1, 2, 31)),
    "vggish": (vggish, 15600, (0, 0, 0, 1, 1, 15)),
    "openl3": (openl3, 24000, (1, 1, 1, 1, 2, 146)),
    "swiftf0": (swiftf0, 256, (1, 1, 1, 1, 2, 938)),
    "basicpitch": (basicpitch, 36164, (1, 1, 1, 1, 2, 10)),
    "silero": (silero, 512, (1, 1, 1, 1, 2, 469)),
    "crepe": (crepe, 1024, (1, 1, 7, 7, 7, 1501)),
}
NETWORKS = zoo.networks("audio")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_count_is_the_published_one(name):
    definition, window, counts = EXPECTED[name.partition(".")[0]]
    frontend = preprocessor(zoo.describe(name))
    lengths = (0, 1, window - 1, window, window + 1, 15 * frontend.sample_rate)
    assert tuple(map(definition, lengths)) == counts
    assert tuple(map(frontend.framing.count, lengths)) == counts


@pytest.mark.parametrize("name", NETWORKS)
def test_the_count_is_the_published_one_around_every_hop_and_window(name):
    definition, first, _ = EXPECTED[name.partition(".")[0]]
    framing = preprocessor(zoo.describe(name)).framing
    for edge in (first, framing.window, first + framing.hop, first + 7 * framing.hop):
        for n in (edge - 1, edge, edge + 1):
            assert framing.count(n) == definition(n), n


@pytest.mark.parametrize("name", ["yamnet", "vggish", "openl3", "crepe.tiny"])
def test_a_stream_is_cut_into_as_many(name):
    definition, window, _ = EXPECTED[name.partition(".")[0]]
    frontend = preprocessor(zoo.describe(name))
    for n in (window, window + 1, 2 * frontend.sample_rate + 7):
        batches = frontend.batches(np.ones(n, np.float32), sample_rate=frontend.sample_rate)
        assert sum(len(batch.data) for batch in batches) == definition(n)
