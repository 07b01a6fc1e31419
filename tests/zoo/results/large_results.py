"""One large result of each class, and the same with nothing in it; all texts try to be markup."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from zoo.benchmark.compare import Comparison, Measurement
from zoo.results import (
    Classification,
    Embedding,
    Explanation,
    Matches,
    Neighbors,
    Note,
    Notes,
    PitchTrack,
    Problem,
    Projection,
    Similarity,
    SoundEvent,
    SoundEvents,
    Summary,
)
from zoo.results.import_report import ImportReport
from zoo.training.advice.advice import Advice
from zoo.training.evaluation.curves import Curves
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.evaluation.judged import Judged

HOSTILE = """<script>alert("1")</script> & 'quoted' """ + "long " * 100
RANDOM = np.random.default_rng(0)


def _texts(count: int) -> tuple[str, ...]:
    return tuple(f"{i}{HOSTILE}" for i in range(count))


def _unit(*shape: int) -> np.ndarray:
    return RANDOM.random(shape).astype(np.float32)


CLASSIFICATION = Classification(
    network=HOSTILE,
    input=HOSTILE,
    indices=np.arange(1000),
    ids=_texts(1000),
    labels=_texts(1000),
    names=_texts(1000),
    groups=_texts(1000),
    scores=np.linspace(1, 0, 1000, dtype=np.float32),
    all_scores=np.linspace(1, 0, 1000, dtype=np.float32),
)
EVENTS = SoundEvents(
    network=HOSTILE,
    input=HOSTILE,
    events=tuple(
        SoundEvent(f"{i % 30}{HOSTILE}", i % 30, HOSTILE, i * 0.7, i * 0.7 + 0.5, (i % 90) / 90)
        for i in range(5000)
    ),
    scores=_unit(7300, 521),
    times=np.zeros((7300, 2)),
    labels=_texts(521),
    duration=3500.0,
    clip=CLASSIFICATION,
)
_TIME = np.arange(100_000) / 100
_VOICED = np.sin(_TIME) > -0.8
TRACK = PitchTrack(
    network=HOSTILE,
    input=HOSTILE,
    time=_TIME,
    frequency=np.where(_VOICED, 300 + 200 * np.sin(_TIME / 30), np.nan),
    confidence=_unit(100_000),
    voiced=_VOICED,
    level=_unit(100_000),
    activations=_unit(10, 360),
)
NOTES = Notes(
    network=HOSTILE,
    input=HOSTILE,
    notes=tuple(Note(i * 0.2, i * 0.2 + 0.5, 21 + i % 88, 0.9, _unit(43)) for i in range(5000)),
    duration=1001.0,
)
EMBEDDING = Embedding(HOSTILE, HOSTILE, _unit(5000, 64), np.zeros((5000, 2)), _texts(5000))
MATCHES = Matches(
    network="net",
    input=HOSTILE,
    numbers=np.arange(1000),
    paths=_texts(1000),
    hashes=("ab" * 32,) * 1000,
    similarities=np.linspace(1, -1, 1000),
    times=np.zeros((1000, 2)),
)
NEIGHBORS = Neighbors("cosine", np.arange(1000), np.linspace(0, 1, 1000), _texts(1000))
SIMILARITY = Similarity(_unit(800, 800), _texts(800))
PROJECTION = Projection("pca", _unit(5000, 2), (0.7, 0.2), _texts(5000))
EXPLANATION = Explanation(
    network=HOSTILE,
    input=HOSTILE,
    index=1,
    id=HOSTILE,
    label=HOSTILE,
    score=0.9,
    method="occlusion",
    layer=HOSTILE,
    values=_unit(500, 700),
    crop_box=(0.0, 0.0, 700.0, 500.0),
    size=(700, 500),
)
_LAYER = {"name": HOSTILE, "kind": HOSTILE, "shape": (64, 7, 7), "parameters": 12345, "multiply_adds": 10**9}
SUMMARY = Summary(HOSTILE, (3, 224, 224), (_LAYER,) * 600, 60_000_000, 4_000_000_000)
MEASUREMENT = Measurement(
    network=HOSTILE,
    title=HOSTILE,
    engine=HOSTILE,
    latency_ms=1 / 3,
    latency_p90_ms=2 / 3,
    input_ms=1 / 7,
    throughput=1000 / 7,
    peak_memory_mb=1e4 / 7,
    file_mb=100 / 7,
    accuracy=500 / 7,
    published_accuracy=500 / 7,
    published_time=20 / 7,
    answers=_texts(1000),
    labels=_texts(1000),
    scores=tuple(np.linspace(0, 1, 1000).tolist()),
    metric=HOSTILE,
    classes=HOSTILE,
)
COMPARISON = Comparison((MEASUREMENT,) * 50, HOSTILE, "fp32", 16, 10, 2, _texts(1000))
_JUDGED = {
    "network": HOSTILE,
    "dataset": HOSTILE,
    "classes": _texts(100),
    "inputs": _texts(2000),
    "targets": np.arange(2000) % 100,
    "scores": _unit(2000, 100),
    "problems": (Problem(HOSTILE, HOSTILE),) * 500,
    "groups": _texts(2000),
    "positions": np.arange(2000),
    "conditions": MappingProxyType(dict.fromkeys(_texts(50), HOSTILE)),
}
JUDGED, EVALUATION = Judged(**_JUDGED), Evaluation(**_JUDGED)
CURVES = JUDGED.roc()
ADVICE = Advice("finetune", HOSTILE, HOSTILE, _texts(500), HOSTILE)
_LAYER = {"layer": HOSTILE, "kind": HOSTILE, "operator": HOSTILE, "node": HOSTILE, "parameters": 10**9}
IMPORT_REPORT = ImportReport(
    network=HOSTILE,
    file=HOSTILE,
    format=HOSTILE,
    inputs=({"name": HOSTILE, "shape": [3, 224, 224]},),
    outputs=({"name": HOSTILE, "shape": [1000]},) * 100,
    layers=(_LAYER | {"runs in": "PyTorch"}, _LAYER | {"runs in": HOSTILE}) * 1000,
    parameters=10**12,
    preprocessing=HOSTILE,
    labels=HOSTILE,
    activation=HOSTILE,
    differences={"random": 1e-6, "real": 1e-6},
    departure=HOSTILE,
)

LARGE = [
    CLASSIFICATION,
    EVENTS,
    TRACK,
    NOTES,
    EMBEDDING,
    MATCHES,
    NEIGHBORS,
    SIMILARITY,
    PROJECTION,
    EXPLANATION,
    SUMMARY,
    COMPARISON,
    JUDGED,
    EVALUATION,
    CURVES,
    ADVICE,
    IMPORT_REPORT,
]
EMPTY = [
    CLASSIFICATION.best(0),
    replace(EVENTS, events=(), duration=0.0),
    TRACK[:0],
    replace(TRACK, frequency=np.full(100_000, np.nan), voiced=np.zeros(100_000, bool)),
    replace(NOTES, notes=(), duration=0.0),
    EMBEDDING[:0],
    replace(
        MATCHES,
        numbers=np.zeros(0, int),
        paths=(),
        hashes=(),
        similarities=np.zeros(0),
        times=np.zeros((0, 2)),
    ),
    replace(NEIGHBORS, indices=np.zeros(0, int), distances=np.zeros(0), labels=()),
    replace(SIMILARITY, values=np.zeros((0, 0)), labels=()),
    replace(PROJECTION, points=np.zeros((0, 2)), explained_variance_ratio=None, labels=()),
    replace(EXPLANATION, values=np.zeros((1, 1), np.float32)),
    replace(SUMMARY, layers=()),
    replace(JUDGED, targets=np.zeros(0, int), scores=np.zeros((0, 100), np.float32), inputs=(), groups=None),
    Curves("roc", (), None),
    replace(ADVICE, layer=None, reasons=()),
    replace(IMPORT_REPORT, outputs=(), layers=(), differences={}, departure=""),
]
