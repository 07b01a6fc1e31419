"""What the verbs return: frozen, typed, and able to become a table, a plot or JSON."""

from zoo.results.classification import Classification
from zoo.results.common import COLOUR, to_csv
from zoo.results.curves import Curve, Curves
from zoo.results.embedding import Embedding
from zoo.results.evaluation import Evaluation
from zoo.results.explanation import Explanation
from zoo.results.likeness import Neighbours, Similarity
from zoo.results.pitch_track import PitchTrack, smoothing
from zoo.results.projection import Projection
from zoo.results.sound_events import SoundEvent, SoundEvents
from zoo.results.summary import Summary

__all__ = [
    "COLOUR",
    "Classification",
    "Curve",
    "Curves",
    "Embedding",
    "Evaluation",
    "Explanation",
    "Neighbours",
    "PitchTrack",
    "Projection",
    "Similarity",
    "SoundEvent",
    "SoundEvents",
    "Summary",
    "smoothing",
    "to_csv",
]
