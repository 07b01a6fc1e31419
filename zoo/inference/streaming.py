"""Verbs on a live stream: chunks of samples in, results out as soon as they are certain.

What comes out of a stream, all together, is what the verb gives for the whole recording. The verbs on
recordings use the same processors, which turn batches into results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Generic, Protocol, TypeVar

from zoo.core.batch import Batch
from zoo.core.errors import InputError

Result = TypeVar("Result")
ProgressCallback = Callable[[float], object]
"""Called with the seconds of sound that have been worked through."""


class StreamProcessor(Protocol[Result]):
    """Turns the batches of one recording into results, piece by piece."""

    def process(self, batch: Batch) -> Result:
        """Return the results that this batch completes."""
        ...

    def flush(self, seconds: float) -> Result:
        """Return the rest, once the recording of that length has ended."""
        ...

    def merge(self, parts: Iterable[Result]) -> Result:
        """Several pieces as one."""
        ...


def run(
    processor: StreamProcessor[Result],
    batches: Generator[Batch, None, None],
    progress: ProgressCallback | None = None,
) -> Result:
    """Return the result for the batches of a whole recording, which are used up one by one.

    Whatever happens on the way, the recording is closed.
    """

    def pieces() -> Iterator[Result]:
        seconds = 0.0
        for batch in batches:
            yield processor.process(batch)
            seconds = batch.seconds
            if progress:
                progress(seconds)
        yield processor.flush(seconds)

    with closing(batches):
        return processor.merge(pieces())


class Stream(Generic[Result]):
    """A live stream of samples; made by `Network.stream`.

    Parameters
    ----------
    preprocessor : Frontend
    sample_rate : float
        Of the samples, in Hz.
    processor : StreamProcessor

    Attributes
    ----------
    seconds : float
        How much has been fed and resampled.
    """

    def __init__(self, preprocessor: Any, sample_rate: float, processor: StreamProcessor[Result]):
        self.processor = processor
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
            If the samples are not a sound, or the stream is finished.
        """
        self._require_open()
        return self.processor.merge([self.processor.process(batch) for batch in self._reader.feed(samples)])

    def finish(self) -> Result:
        """Return the results that were still open; the stream takes no more samples.

        Raises
        ------
        InputError
            If the stream was too short, or is finished already.
        """
        self._require_open()
        self._finished = True
        parts = [self.processor.process(batch) for batch in self._reader.finish()]
        return self.processor.merge([*parts, self.processor.flush(self.seconds)])

    def _require_open(self) -> None:
        if self._finished:
            raise InputError("This stream is finished; net.stream() begins another.")
