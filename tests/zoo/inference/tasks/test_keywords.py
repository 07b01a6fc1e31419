"""The options that type checkers see are those that the verbs take."""

import inspect

import pytest

import zoo
from zoo.inference import api
from zoo.inference.tasks import keywords

VERBS = {
    "classify": (keywords.ClassifyKeywords, api.ClassifyCall),
    "explain": (keywords.ExplainKeywords, api.ExplainCall),
    "sound_events": (keywords.SoundEventsKeywords, api.SoundEventsCall),
    "pitch": (keywords.PitchKeywords, api.PitchCall),
}


@pytest.mark.parametrize("verb", VERBS)
def test_typed_options_are_those_of_the_verb(verb):
    of_method, of_function = VERBS[verb]
    method = inspect.signature(getattr(zoo.Network, verb)).parameters.keys()
    function = inspect.signature(getattr(zoo, verb)).parameters.keys()
    assert method - {"self", "x", "on_error"} == of_method.__annotations__.keys()
    assert function - {"x", "on_error"} == of_function.__annotations__.keys()
