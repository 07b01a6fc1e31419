"""Options of the tasks on audio: their defaults and limits, written down once.

The verbs, the command line and the app take the defaults from here. Nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.core.errors import InputError
from zoo.core.validation import choice, count, number

SPECIFICITIES = ("high", "medium", "low")
DECODERS = ("local-average", "viterbi", "soft-viterbi", "argmax")
SMOOTHERS = ("median", "mean")


@dataclass(frozen=True, kw_only=True)
class SoundEventOptions:
    """What counts as a sound event, and under which name it is reported.

    The defaults are those of MATLAB's ``classifySound``.

    Attributes
    ----------
    threshold : float
        Score, from 0 to 1, from which a class counts as present.
    separation : float
        Events of a class with a shorter gap between them, in s, are joined.
    min_duration : float
        Shorter events, in s, are dropped.
    specificity : {"high", "medium", "low"}
        ``"high"``: the classes of the network. ``"medium"`` and ``"low"``, for classes of AudioSet: their
        categories on the second level of its ontology ("Human voice", "Vehicle") or on the first ("Human
        sounds", "Sounds of things"), see `zoo.audio.ontology.raised`.
    include, exclude : tuple of str
        The only sounds to report, and sounds not to report: labels or identifiers of classes, or of any
        category of AudioSet, each with all that is below it. A single text or another sequence is taken too.

    Raises
    ------
    InputError
        If an option has another type or is out of its range.
    """

    threshold: float = 0.35
    separation: float = 0.25
    min_duration: float = 0.5
    specificity: str = "high"
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, high in (("threshold", 1), ("separation", float("inf")), ("min_duration", float("inf"))):
            object.__setattr__(self, name, number(name, getattr(self, name), 0, high))
        choice("specificity", self.specificity, SPECIFICITIES)
        for name in ("include", "exclude"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class PitchOptions:
    """How pitch is decoded, gated and smoothed.

    Attributes
    ----------
    hop : float
        Time between frames, in s.
    decoder : {"local-average", "viterbi", "soft-viterbi", "argmax"}
        Each frame by itself, the most likely path over the whole recording (as in the original, or weighing
        all activations), or the nearest bin of each frame (of 20 cents).
    threshold : float
        Confidence, from 0 to 1, below which a frame is unvoiced.
    silence : float or None
        A-weighted level in dB relative to full scale below which a frame is unvoiced; None: no frame is.
    fmin, fmax : float or None
        Lowest and highest pitch to consider, in Hz; None: as far as the network reaches, 31.7 to 2005.5.
    smooth : int
        Frames, an odd number, over which the pitch of voiced frames is smoothed; 1: not at all.
    smoother : {"median", "mean"}
    keep_activations : bool
        Whether the result has the network's outputs.

    Raises
    ------
    InputError
        If an option has another type or is out of its range.
    """

    hop: float = 0.01
    decoder: str = "local-average"
    threshold: float = 0.5
    silence: float | None = -60.0
    fmin: float | None = None
    fmax: float | None = None
    smooth: int = 1
    smoother: str = "median"
    keep_activations: bool = False

    def __post_init__(self) -> None:
        choice("decoder", self.decoder, DECODERS)
        object.__setattr__(self, "threshold", number("threshold", self.threshold, 0, 1))
        if self.silence is not None:
            object.__setattr__(self, "silence", number("silence", self.silence, -1000, 1000))
        require_smoothing(self.smooth, self.smoother)


@dataclass(frozen=True, kw_only=True)
class NoteOptions:
    """What counts as a note.

    The thresholds are those of Basic Pitch (arXiv:2203.09893, section 2.3), the duration that of its package.

    Attributes
    ----------
    threshold : float
        Score of a key, from 0 to 1, from which it sounds.
    onset_threshold : float
        Score, from 0 to 1, from which a key begins anew.
    min_duration : float
        Shorter notes, in s, are dropped.
    fmin, fmax : float or None
        Lowest and highest pitch to consider, in Hz; None: all keys of a piano, 27.5 to 4186.

    Raises
    ------
    InputError
        If an option has another type or is out of its range.
    """

    threshold: float = 0.3
    onset_threshold: float = 0.5
    min_duration: float = 0.1277
    fmin: float | None = None
    fmax: float | None = None

    def __post_init__(self) -> None:
        for name, high in (("threshold", 1), ("onset_threshold", 1), ("min_duration", float("inf"))):
            object.__setattr__(self, name, number(name, getattr(self, name), 0, high))
        for name in ("fmin", "fmax"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(name, getattr(self, name), 1, 100_000))
        if self.fmin is not None and self.fmax is not None and self.fmin > self.fmax:
            raise InputError(f"No pitch lies from fmin={self.fmin:g} to fmax={self.fmax:g} Hz.")


def require_smoothing(width: int, smoother: str) -> None:
    """Raise an `InputError` unless a width in frames and the name of a smoother can be used."""
    if count("smooth", width) % 2 == 0:
        raise InputError(f"smooth={width} is even; a window of frames around a frame is odd.")
    choice("smoother", smoother, SMOOTHERS)


def _names(option: str, names: str | Sequence[str] | None) -> tuple[str, ...]:
    names = [names] if isinstance(names, str) else () if names is None else names
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in names
    ):
        raise InputError(f"{option}= takes names of classes or categories, not a {type(names).__name__}.")
    return tuple(names)
