"""The options that type checkers see are those that the verbs take."""

import inspect
from dataclasses import fields

import pytest

import zoo
from zoo.inference import api
from zoo.inference.tasks import keywords
from zoo.training.fit.loop import Settings, SettingsKeywords

VERBS = {
    "classify": (keywords.ClassifyKeywords, api.ClassifyCall),
    "explain": (keywords.ExplainKeywords, api.ExplainCall),
    "sound_events": (keywords.SoundEventsKeywords, api.SoundEventsCall),
    "pitch": (keywords.PitchKeywords, api.PitchCall),
    "notes": (keywords.NotesKeywords, api.NotesCall),
}


STREAMS = (keywords.SoundEventsKeywords, keywords.PitchKeywords)


def test_a_stream_takes_the_options_of_its_tasks():
    taken = {"layer", "pool"}.union(*(options.__annotations__ for options in STREAMS))
    assert keywords.StreamKeywords.__annotations__.keys() == taken - {"sample_rate", "overlap", "progress"}


def test_training_takes_its_settings():
    settings = {field.name for field in fields(Settings)}
    assert SettingsKeywords.__annotations__.keys() == settings - {"seed"}


@pytest.mark.parametrize("verb", VERBS)
def test_typed_options_are_those_of_the_verb(verb):
    of_method, of_function = VERBS[verb]
    method = inspect.signature(getattr(zoo.Network, verb)).parameters.keys()
    function = inspect.signature(getattr(zoo, verb)).parameters.keys()
    assert method - {"self", "x", "on_error"} == of_method.__annotations__.keys()
    assert function - {"x", "on_error"} == of_function.__annotations__.keys()
