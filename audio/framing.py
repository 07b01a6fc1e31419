"""How a recording of any length is cut into windows."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Framing:
    """How a waveform is cut into overlapping windows.

    Attributes
    ----------
    window, hop : int
        In samples.
    lead, trail : int
        Zeros before and after the recording.
    pad : bool
        True: zeros fill up the last window, so that no sample is lost and there is at least one window.
        False: an incomplete last window is dropped.
    back : bool
        True, instead of all these: an incomplete last window is moved back until it is full, and ends with
        the recording; a recording shorter than a window becomes one window that is as short.
    """

    window: int
    hop: int
    lead: int = 0
    trail: int = 0
    pad: bool = False
    back: bool = False

    def count(self, samples: int) -> int:
        """Return the number of windows of a recording of that many samples."""
        samples += self.lead + self.trail
        if self.pad or self.back:
            return 1 + math.ceil(max(samples - self.window, 0) / self.hop)
        return max(0, 1 + (samples - self.window) // self.hop)

    def segments(
        self, blocks: Iterable[np.ndarray], batch_size: int
    ) -> Iterator[tuple[int, np.ndarray, int]]:
        """Cut a stream into waveforms of whole windows, see `StreamingFramer`.

        Parameters
        ----------
        blocks : iterable of ndarray, shape (samples,)
        batch_size : int
            Windows in a segment, at the most.

        Yields
        ------
        first, waveform, samples_read
            As `StreamingFramer.feed`.
        """
        cutter = StreamingFramer(self, batch_size)
        for block in blocks:
            yield from cutter.feed(block)
        yield from cutter.finish()


class StreamingFramer:
    """Cuts a stream into waveforms of whole windows as it comes.

    Parameters
    ----------
    framing : Framing
    batch_size : int
        Windows in a segment, at the most.
    at_once : bool
        True: a window is given out as soon as it is whole. False: segments have `batch_size` windows, but for
        the last one.

    Attributes
    ----------
    samples_read : int
        Samples of the recording read so far.
    """

    def __init__(self, framing: Framing, batch_size: int, *, at_once: bool = False):
        self._framing, self._batch_size, self._at_once = framing, batch_size, at_once
        self._first, self.samples_read = 0, 0
        self._passed, self._rest = np.zeros(0, np.float32), np.zeros(framing.lead, np.float32)

    def feed(self, block: np.ndarray) -> Iterator[tuple[int, np.ndarray, int]]:
        """Go on with the next samples.

        Yields
        ------
        first : int
            Index of the segment's first window.
        waveform : ndarray, shape (window + (k - 1) · hop,)
            The samples of k windows.
        samples_read : int
            Samples of the recording read so far.
        """
        window, hop = self._framing.window, self._framing.hop
        self.samples_read += len(block)
        self._rest = np.concatenate([self._rest, block])
        while (whole := 1 + (len(self._rest) - window) // hop) >= (1 if self._at_once else self._batch_size):
            yield self._next(min(whole, self._batch_size))

    def finish(self) -> Iterator[tuple[int, np.ndarray, int]]:
        """Return the windows that are left, as the framing treats the end."""
        framing = self._framing
        self._rest = np.concatenate([self._rest, np.zeros(framing.trail, np.float32)])
        moved = framing.back and (
            self.samples_read < framing.window or (self.samples_read - framing.window) % framing.hop > 0
        )
        last = framing.count(self.samples_read) - moved
        while self._first < last:
            yield self._next(min(last - self._first, self._batch_size))
        if moved:
            yield (
                self._first,
                np.concatenate([self._passed, self._rest])[-framing.window :],
                self.samples_read,
            )

    def _next(self, k: int) -> tuple[int, np.ndarray, int]:
        hop, length = self._framing.hop, self._framing.window + (k - 1) * self._framing.hop
        first, waveform = self._first, self._rest[:length]
        self._passed = self._rest[(k - 1) * hop : k * hop]
        self._first, self._rest = first + k, self._rest[k * hop :]
        return first, np.pad(waveform, (0, length - len(waveform))), self.samples_read
