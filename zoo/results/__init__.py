"""What the verbs return: frozen, typed, and able to become a table, a plot or JSON."""

from zoo.results.classification import Classification
from zoo.results.common import to_csv
from zoo.results.embedding import Embedding
from zoo.results.explanation import Explanation
from zoo.results.matches import Matches
from zoo.results.notes import Note, Notes
from zoo.results.pitch_track import PitchTrack
from zoo.results.problem import Problem
from zoo.results.projection import Projection
from zoo.results.similarity import Neighbors, Similarity
from zoo.results.sound_events import SoundEvent, SoundEvents
from zoo.results.summary import Summary

__all__ = [
    "Classification",
    "Embedding",
    "Explanation",
    "Matches",
    "Neighbors",
    "Note",
    "Notes",
    "PitchTrack",
    "Problem",
    "Projection",
    "Similarity",
    "SoundEvent",
    "SoundEvents",
    "Summary",
    "to_csv",
]
