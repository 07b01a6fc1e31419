"""From what a user asks for to the settings of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from zoo.batches.options import task_options
from zoo.batches.settings import NetworkSettings, Settings
from zoo.core.errors import InputError
from zoo.core.hashing import digest
from zoo.core.spec import NOUNS, Spec, Task
from zoo.hub import weights
from zoo.hub.registry import describe


def make_settings(
    task: str, networks: Sequence[str], options: Mapping[str, Any], *, engine: str, trust: bool
) -> Settings:
    """Describe what is asked for, and fetch the weights.

    Raises
    ------
    InputError
        If an option cannot be used, or the networks do not share the task and the modality.
    UnknownNameError, TrustError, WeightsError
        As of `zoo.load`.
    """
    chosen = task_options(task, options)
    if not networks:
        raise InputError("A batch needs a network; pass the name of one or of several.")
    specs = [describe(name, trust=trust) for name in networks]
    for spec in specs:
        if task not in spec.tasks:
            raise InputError(
                f"{spec.name} does not support the task {task}; it supports {', '.join(spec.tasks)}."
            )
        if spec.modality != specs[0].modality:
            raise InputError(
                f"{specs[0].name} takes {NOUNS[specs[0].modality]} and {spec.name} takes "
                f"{NOUNS[spec.modality]}; run one batch for each."
            )
    distinct = {spec.name: spec for spec in specs}.values()
    return Settings(
        task=cast("Task", task),
        modality=specs[0].modality,
        options=chosen,
        engine=engine,
        networks=tuple(map(_described, distinct)),
    )


def _described(spec: Spec) -> NetworkSettings:
    file = weights.ensure(spec)
    sha256 = weights.record_of(spec).get("sha256") or digest(file)
    return NetworkSettings(spec.name, sha256, dict(spec.preprocess))
