"""Pretrained networks for pictures and for sound, behind one set of verbs.

>>> import zoo
>>> zoo.load("squeezenet").classify("photo.jpg").labels     # doctest: +SKIP
>>> zoo.sound_events("street.wav").table()                  # doctest: +SKIP
>>> zoo.pitch("melody.wav").frequency                       # doctest: +SKIP

Names are imported when they are first used, so that ``import zoo`` loads neither torch nor NumPy.
"""

from importlib import import_module

_PUBLIC = {
    "networks": "zoo.hub.registry",
    "describe": "zoo.hub.registry",
    "Spec": "zoo.core.spec",
    "load": "zoo.inference.load",
    "Network": "zoo.inference.network",
    "classify": "zoo.inference.api",
    "embed": "zoo.inference.api",
    "explain": "zoo.inference.api",
    "sound_events": "zoo.inference.api",
    "pitch": "zoo.inference.api",
    "compare": "zoo.benchmark.compare",
    "export": "zoo.exchange.onnx",
    "evaluate": "zoo.training.evaluation.evaluate",
    "advise": "zoo.training.advice.advice",
    "fetch": "zoo.hub.weights",
    "sample": "zoo.hub.samples",
    "transfer": "zoo.training.fit.transfer",
    "dataset": "zoo.training.data.load",
    "Dataset": "zoo.training.data.dataset",
    "Classification": "zoo.results",
    "Embedding": "zoo.results",
    "SoundEvents": "zoo.results",
    "PitchTrack": "zoo.results",
    "Comparison": "zoo.benchmark.compare",
    "Evaluation": "zoo.training.evaluation.evaluation",
    "Explanation": "zoo.results",
    "Advice": "zoo.training.advice.advice",
    "Curves": "zoo.training.evaluation.curves",
    "Neighbors": "zoo.results",
    "Problem": "zoo.results",
    "Projection": "zoo.results",
    "Similarity": "zoo.results",
    "SoundEvent": "zoo.results",
    "Stream": "zoo.inference.streaming",
    "Summary": "zoo.results",
    "CatalogError": "zoo.core.errors",
    "EngineError": "zoo.core.errors",
    "InputError": "zoo.core.errors",
    "SandboxError": "zoo.core.errors",
    "TrustError": "zoo.core.errors",
    "UnknownNameError": "zoo.core.errors",
    "WeightsError": "zoo.core.errors",
    "WorkerError": "zoo.core.errors",
    "ZooError": "zoo.core.errors",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]  (the stub lists them)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("zoo-pretrained")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
