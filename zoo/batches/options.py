"""Options of a batch: those of its task, checked before the work, as JSON keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from zoo.audio.options import PitchOptions, SoundEventOptions
from zoo.core.errors import InputError
from zoo.core.spec import TASKS
from zoo.core.validation import choice, count, number
from zoo.inference.tasks.classification import ClassificationOptions
from zoo.inference.tasks.embedding import EmbeddingOptions
from zoo.inference.tasks.keywords import EventKeywords, PitchTrackKeywords
from zoo.inference.tasks.sound_events import TOP

_OPTIONS = {
    "classify": ClassificationOptions,
    "embed": EmbeddingOptions,
    "events": SoundEventOptions,
    "pitch": PitchOptions,
}
# What the methods of a network take beside the fields of these classes, with the defaults.
_BESIDE: dict[str, dict[str, Any]] = {
    "classify": {"overlap": None},
    "embed": {"overlap": None},
    "events": {"overlap": None, "top": TOP},
    "pitch": {},
}
_LEFT_OUT = ("keep_activations",)  # outputs of a network, which are many times larger than a pitch track


class TaskKeywords(EventKeywords, PitchTrackKeywords, total=False):
    """Options of the tasks, as of `Network.classify`, `embed`, `sound_events`, and `pitch`."""

    layer: str | None
    pool: bool | None
    overlap: float | None


def task_options(task: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a task, with the defaults of those that are not chosen.

    Raises
    ------
    InputError
        If the task is unknown, an option is not one of the task's, or a value cannot be used.
    """
    choice("task", task, TASKS)
    known = [*_BESIDE[task], *_OPTIONS[task].__dataclass_fields__]
    allowed = [name for name in known if name not in _LEFT_OUT]
    for name in chosen:
        if name not in allowed:
            raise InputError(f"The task {task} has no option {name}; it has {', '.join(allowed)}.")
    beside = _BESIDE[task] | {name: value for name, value in chosen.items() if name in _BESIDE[task]}
    if beside.get("overlap") is not None:
        number("overlap", beside["overlap"], 0, 1)
    if "top" in beside:
        count("top", beside["top"])
    own = {name: value for name, value in chosen.items() if name not in _BESIDE[task]}
    options = asdict(_OPTIONS[task](**own)) | beside
    return {name: _plain(options[name]) for name in allowed}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
