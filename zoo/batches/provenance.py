"""Where the rows of a part come from, as JSON in its metadata."""

from __future__ import annotations

import json
from importlib.metadata import version

from zoo.batches.settings import NetworkSettings, Settings

KEY = b"zoo"


def describe_part(settings: Settings, network: NetworkSettings, engine: str) -> str:
    """Return the provenance of a part: network, weights, preprocessing, task, options, engine, versions."""
    record = {
        "schema": 1,
        "network": network.name,
        "weights": network.weights,
        "preprocess": network.preprocess,
        "task": settings.task,
        "options": settings.options,
        "engine": engine,
        "versions": {name: version(name) for name in ("zoo-pretrained", "torch", "numpy")},
    }
    return json.dumps(record)
