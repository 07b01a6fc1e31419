"""Live sessions: a thread that analyzes audio as it arrives, and a limit on how many there are."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.app.live.analyzers import LiveAnalyzer, PitchAnalyzer, SoundAnalyzer, Sounds
from zoo.app.live.audio_buffer import Block, Clock, DropOldestBuffer
from zoo.app.settings import listeners
from zoo.audio.signal import as_channels, as_float, check_rate
from zoo.core.errors import InputError, ZooError
from zoo.inference.network import Network
from zoo.results import PitchTrack

MAX_LAG = 1.5  # s of sound that may wait; more is left out
LEAST = 0.1  # s that are analyzed at once: for shorter pieces a network takes twice the time
MAX_BLOCK = 0.5  # s
PATIENCE = 20.0  # s without sound, after which the session counts as left
MAX_SECONDS = 1800.0  # s, after which a place is given to others
MAX_HASTE = 10  # times as fast as time passes, after `HEADSTART` s of sound: no microphone is faster
HEADSTART = 60.0  # s
UNHEARD = "The connection ended before any sound arrived."
_TURN = 1.0  # s after which a waiting thread checks its state
_COUNTED = 20  # delays whose mean is shown


@dataclass(frozen=True)
class Delay:
    """How old an answer is when it is shown.

    Attributes
    ----------
    seconds : float
        From the arrival of the newest sound in it, at this process, to its being shown; the mean of the
        last answers.
    window : float
        How much sound the answer is about, in s: it is wholly about a new sound only once that lasts so long.
    """

    seconds: float
    window: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The results at one moment.

    Attributes
    ----------
    sounds : Sounds or None
    pitch : PitchTrack or None
        The last seconds, times counted back from now.
    level : float
        Of the newest sound, root mean square in dB relative to full scale; minus infinity for silence.
    seconds : float
        How much sound has arrived.
    since : float
        How long ago sound arrived for the last time, in s.
    waiting : float
        How much sound has arrived and is not analyzed yet, in s.
    left_out : float
        How much sound was left out because the networks were too slow, in s.
    behind : bool
        Whether that was so within the last 10 s.
    delays : dict of str to Delay
        By ``"sounds"`` and ``"pitch"``, once something was shown.
    """

    sounds: Sounds | None
    pitch: PitchTrack | None
    level: float
    seconds: float
    since: float
    waiting: float
    left_out: float
    behind: bool
    delays: dict[str, Delay]


class _DisplayDelay:
    """Measure how old the results of one analyzer are when they are shown."""

    def __init__(self) -> None:
        self.answered: float | None = None  # when the newest sound of the last answer arrived
        self._counted: float | None = None
        self._ages: deque[float] = deque(maxlen=_COUNTED)

    def count(self, now: float) -> None:
        if self.answered is not None and self.answered != self._counted:
            self._counted = self.answered
            self._ages.append(now - self.answered)

    @property
    def mean(self) -> float | None:
        return sum(self._ages) / len(self._ages) if self._ages else None


class Listener:
    """Analyze live audio with networks, in a thread of its own, until it is stopped.

    Memory is bounded. Sound that comes faster than the networks analyze it is dropped.

    Parameters
    ----------
    sounds, pitch : Network, optional
        For classes of sounds, and for pitch; at least one of them.
    patience : float
        It stops when no sound has come for so long, in s.
    clock : callable
        Gives the time in s.
    **options
        Of pitch, see `PitchAnalyzer`.

    Attributes
    ----------
    ready : bool
        Whether the networks are warm; sound that arrives before is dropped.
    stopped : bool
        Whether it has stopped.
    reason : str
        Why it stopped of itself, in a sentence.

    Raises
    ------
    InputError
        If there is no network, or one cannot do that.

    Examples
    --------
    >>> import numpy as np, zoo
    >>> from zoo.app.live.session import Listener
    >>> listener = Listener(pitch=zoo.load("crepe.tiny", weights=None))
    >>> listener.process(np.zeros((2, 960), np.int16), 48000)
    >>> listener.stop()
    """

    def __init__(
        self,
        *,
        sounds: Network | None = None,
        pitch: Network | None = None,
        patience: float = PATIENCE,
        clock: Clock = time.monotonic,
        **options: float,
    ):
        self._analyzers: dict[str, LiveAnalyzer] = {}
        if sounds is not None:
            self._analyzers["sounds"] = SoundAnalyzer(sounds)
        if pitch is not None:
            self._analyzers["pitch"] = PitchAnalyzer(pitch, **options)
        if not self._analyzers:
            raise InputError("There is nothing to listen for: choose sounds, pitch, or both.")
        self.ready, self.reason = False, ""
        self._patience, self._clock, self._begin = patience, clock, clock()
        self._buffer = DropOldestBuffer(MAX_LAG, clock)
        self._level = -math.inf
        self._results: dict[str, Any] = {}
        self._delays = {name: _DisplayDelay() for name in self._analyzers}
        self._lock = threading.Lock()  # of the two before; never held while a network works
        self._stopping = threading.Event()
        self._endings: set[Callable[[], object]] | None = set()  # None once they were called
        threading.Thread(target=self._work, name="live", daemon=True).start()

    @property
    def stopped(self) -> bool:
        return self._stopping.is_set()

    def process(self, samples: Any, sample_rate: float) -> None:
        """Go on with a chunk of sound, which comes right after the one before; never waits for a network.

        Parameters
        ----------
        samples : array, shape (n,) or (channels, n)
            Integers run to the maximum of their type, floats from -1 to 1.
        sample_rate : float
            In Hz.

        Raises
        ------
        InputError
            If that is no sound.
        """
        mono = as_float(as_channels(samples, "the microphone")).mean(axis=0)
        self._buffer.put(mono, check_rate(sample_rate, "the microphone"))

    def snapshot(self) -> Snapshot:
        """Return the present results, to be shown at once: delays are counted up to this call."""
        with self._lock:
            now = self._clock()
            for delay in self._delays.values():
                delay.count(now)
            arrival, gap = self._buffer.last_arrival, self._buffer.last_gap
            return Snapshot(
                sounds=self._results.get("sounds"),
                pitch=self._results.get("pitch"),
                level=self._level,
                seconds=self._buffer.seconds,
                since=now - (self._begin if arrival is None else arrival),
                waiting=self._buffer.waiting,
                left_out=self._buffer.left_out,
                behind=gap is not None and now - gap < 10,
                delays={
                    name: Delay(delay.mean, self._analyzers[name].window)
                    for name, delay in self._delays.items()
                    if delay.mean is not None
                },
            )

    def at_end(self, ending: Callable[[], object]) -> None:
        """Call `ending` once in the listener's thread when it has stopped, or at once if it has."""
        with self._lock:
            if self._endings is not None:
                self._endings.add(ending)
                return
        ending()

    def stop(self, reason: str = "") -> None:
        """Analyze no more; the last results stay."""
        if not self.stopped:
            self.reason = reason
            self._stopping.set()
            self._buffer.close()

    def _work(self) -> None:
        try:
            for analyzer in self._analyzers.values():
                analyzer.warm_up()
            self._buffer.skip()
            self.ready = True
            while not self.stopped:
                if block := self._buffer.take(LEAST, MAX_BLOCK, min(_TURN, self._patience)):
                    self._process(block)
                self._check_limits()
        except ZooError as error:
            self.stop(str(error))
        except Exception:
            logging.getLogger(__name__).exception("Live listening failed")
            self.stop("Listening failed unexpectedly; the server's log has the reason.")
        finally:
            self._end()

    def _check_limits(self) -> None:
        now = self._clock()
        if now - (self._buffer.last_arrival or self._begin) >= self._patience:
            self.stop(f"No sound has arrived for {self._patience:g} seconds.")
        elif now - self._begin >= MAX_SECONDS:
            self.stop(f"Listening ends after {MAX_SECONDS / 60:g} minutes.")
        elif self._buffer.seconds > HEADSTART + MAX_HASTE * (now - self._begin):
            self.stop("Sound arrives faster than a microphone makes it.")

    def _end(self) -> None:
        for analyzer in self._analyzers.values():
            analyzer.end()
        with self._lock:
            endings, self._endings = self._endings, None
        for ending in endings or ():
            ending()

    def _process(self, block: Block) -> None:
        power = float(np.mean(np.square(block.samples, dtype=np.float64)))
        self._level = 10 * math.log10(power) if power > 0 else -math.inf
        for name, analyzer in self._analyzers.items():
            before = analyzer.processed_until
            analyzer.process(block)
            if analyzer.processed_until is None or analyzer.processed_until == before:
                continue
            snapshot = analyzer.snapshot()
            with self._lock:
                self._results[name] = snapshot
                # Sound comes as fast as it was made, so what is older by so much arrived so much earlier.
                self._delays[name].answered = block.arrived - (block.end - analyzer.processed_until)


class SessionLimiter:
    """Limit how many sessions of a process use live audio at once.

    Parameters
    ----------
    max_sessions : int, optional
        By default `zoo.app.settings.listeners`; 0 lets none.
    """

    def __init__(self, max_sessions: int | None = None):
        self.max_sessions = listeners() if max_sessions is None else max_sessions
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def require_free(self) -> None:
        """Raise an `InputError` if all places are taken."""
        with self._lock:
            self._check()

    def acquire(self, begin: Callable[[], Listener]) -> Listener:
        """Begin one more listener.

        Raises
        ------
        InputError
            If all places are taken.
        """
        with self._lock:
            self._check()
            self._listeners.append(begin())
            return self._listeners[-1]

    def _check(self) -> None:
        if self.max_sessions == 0:
            raise InputError("Live listening is switched off on this server.")
        self._listeners = [listener for listener in self._listeners if not listener.stopped]
        if len(self._listeners) >= self.max_sessions:
            raise InputError(
                f"All {self.max_sessions} live sessions of this machine are taken: try again later."
            )


class SessionSlot:
    """The live audio of one session: one listener at a time, which gets the chunks of sound.

    Runs of a page may overlap: Streamlit begins the next one before the one before has left.

    Parameters
    ----------
    limiter : SessionLimiter

    Attributes
    ----------
    listener : Listener or None
        The last one, which may have stopped.
    ended : str
        Why it ended, in a sentence, once it was left; empty if the user is likely to know.
    """

    def __init__(self, limiter: SessionLimiter):
        self._limiter = limiter
        self.listener: Listener | None = None
        self.ended = ""
        self._lock = threading.RLock()
        self._wish: Any = None

    def require(self) -> None:
        """Raise an `InputError` if this session is not listening and no slot is free."""
        if self.listener is None or self.listener.stopped:
            self._limiter.require_free()

    def listen(self, wish: Any, begin: Callable[[], Listener]) -> Listener:
        """Begin, unless the listener was begun for the same wish, and return it, whatever became of it.

        Raises
        ------
        InputError
            If all places are taken.
        """
        with self._lock:
            if self.listener is None or wish != self._wish:
                self.leave()
                self.listener, self._wish = self._limiter.acquire(begin), wish
                self.ended = ""
            return self.listener

    def at_end(self, ending: Callable[[], object]) -> None:
        """As `Listener.at_end`; with no listener `ending` is called at once."""
        if self.listener is None:
            ending()
        else:
            self.listener.at_end(ending)

    def process(self, samples: Any, sample_rate: float) -> None:
        """As `Listener.process`; with no listener nothing happens."""
        if self.listener is not None:
            self.listener.process(samples, sample_rate)

    def end(self, listener: Listener | None) -> None:
        """Leave, unless another listener has taken the place of this one."""
        with self._lock:
            if listener is self.listener:
                self.leave()

    def leave(self) -> None:
        """Listen no more."""
        with self._lock:
            listener, self.listener = self.listener, None
            if listener is not None:
                silent = "" if listener.snapshot().seconds else UNHEARD
                self.ended = listener.reason or silent
                listener.stop()
