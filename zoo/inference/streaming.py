"""Verbs on a live stream: chunks of samples in, results out as soon as they are certain.

What comes out of a stream, all together, is what the verb gives for the whole recording. The verbs on
recordings use the same followers, which turn batches into results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Generic, Protocol, TypeVar

from zoo.core.batch import Batch
from zoo.core.errors import InputError

Result = TypeVar("Result")
Heard = Callable[[float], object]
"""Called with the seconds of sound that have been worked through."""


class StreamProcessor(Protocol[Result]):
    """Turns the batches of one recording into results, piece by piece."""

    def take(self, batch: Batch) -> Result:
        """What has become certain with this batch."""

    def finish(self, seconds: float) -> Result:
        """The rest, once the recording of that length has ended."""

    def joined(self, parts: Iterable[Result]) -> Result:
        """Several pieces as one."""


def follow(
    follower: StreamProcessor[Result], batches: Generator[Batch, None, None], progress: Heard | None = None
) -> Result:
    """The result for the batches of a whole recording, which are used up one by one.

    Whatever happens on the way, the recording is closed.
    """

    def pieces() -> Iterator[Result]:
        seconds = 0.0
        for batch in batches:
            yield follower.take(batch)
            seconds = batch.seconds
            if progress:
                progress(seconds)
        yield follower.finish(seconds)

    with closing(batches):
        return follower.joined(pieces())


class Stream(Generic[Result]):
    """A live stream of samples; made by `Network.stream`.

    Parameters
    ----------
    preprocessor : Frontend
    sample_rate : float
        Of the samples, in Hz.
    follower : Follower

    Attributes
    ----------
    seconds : float
        How much has been fed and resampled.
    """

    def __init__(self, preprocessor: Any, sample_rate: float, follower: StreamProcessor[Result]):
        self.follower = follower
        self._reader = preprocessor.listen("the stream", sample_rate)
        self._finished = False

    @property
    def seconds(self) -> float:
        return self._reader.seconds

    def feed(self, samples: Any) -> Result:
        """Go on with the next samples.

        Parameters
        ----------
        samples : array or tensor, shape (n,) or (channels, n)
            Integers run to the maximum of their type, floats from -1 to 1.

        Returns
        -------
        list of SoundEvent, PitchTrack or Embedding
            What has become certain and was not before; nothing, or a result of length 0, where that is none.

        Raises
        ------
        InputError
            If that is no sound, or the stream is finished.
        """
        self._require_open()
        return self.follower.joined([self.follower.take(batch) for batch in self._reader.feed(samples)])

    def finish(self) -> Result:
        """The results that were still open; the stream takes no more samples.

        Raises
        ------
        InputError
            If the stream was too short, or is finished already.
        """
        self._require_open()
        self._finished = True
        parts = [self.follower.take(batch) for batch in self._reader.finish()]
        return self.follower.joined([*parts, self.follower.finish(self.seconds)])

    def _require_open(self) -> None:
        if self._finished:
            raise InputError("This stream is finished; net.stream() begins another.")
