"""The tasks that a stream of audio can run."""

from zoo.inference.tasks.embedding import EmbeddingExtractor
from zoo.inference.tasks.pitch import PitchTracker
from zoo.inference.tasks.sound_events import EventDetector

PROCESSORS = {"events": EventDetector, "pitch": PitchTracker, "embed": EmbeddingExtractor}
