"""Pretrained networks for pictures and for sound, behind one set of verbs.

>>> import zoo
>>> zoo.load("squeezenet").classify("photo.jpg").labels     # doctest: +SKIP
>>> zoo.sound_events("street.wav").table()                  # doctest: +SKIP
>>> zoo.pitch("melody.wav").frequency                       # doctest: +SKIP

Names are imported when they are first used, so that ``import zoo`` loads neither torch nor NumPy.
"""

from importlib import import_module

_PUBLIC = {
    "networks": "zoo.registry",
    "describe": "zoo.registry",
    "Spec": "zoo.spec",
    "load": "zoo.loading",
    "Network": "zoo.network",
    "classify": "zoo.verbs",
    "embed": "zoo.verbs",
    "explain": "zoo.verbs",
    "sound_events": "zoo.verbs",
    "pitch": "zoo.verbs",
    "compare": "zoo.comparison",
    "export": "zoo.exchange.exporting",
    "evaluate": "zoo.training.evaluating",
    "advise": "zoo.training.advice",
    "fetch": "zoo.weights",
    "sample": "zoo.samples",
    "transfer": "zoo.training.transfer",
    "dataset": "zoo.training.reading",
    "Dataset": "zoo.training.dataset",
    "Classification": "zoo.results",
    "Embedding": "zoo.results",
    "SoundEvents": "zoo.results",
    "PitchTrack": "zoo.results",
    "Comparison": "zoo.comparison",
    "Evaluation": "zoo.results",
    "Explanation": "zoo.results",
    "Advice": "zoo.training.advice",
    "ZooError": "zoo.errors",
    "TrustError": "zoo.errors",
    "SandboxError": "zoo.errors",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
