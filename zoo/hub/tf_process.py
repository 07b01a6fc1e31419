"""A SavedModel that classifies or embeds sound, run by TensorFlow in a sandbox: a process of its own.

A SavedModel is a program, which can read and write files. The process can do neither, see `zoo.core.sandbox`,
and what it answers is checked here. It also keeps away from this process what TensorFlow would do to it:
occupy 500 MB and every GPU, write to the terminal, and clash with some versions of torch.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from zoo.core import sandbox
from zoo.core.errors import WeightsError, WorkerMemoryError, WorkerTimeoutError, ZooError
from zoo.core.extras import require
from zoo.core.isolated import Worker, first_line

RATE = 16000  # Hz
WINDOW = 15600  # samples of a patch: 96 frames of 25 ms, one every 10 ms
# How far apart patches begin, and what the graph gives: tensorflow/models research/audioset/yamnet/params.py,
# inference.py and research/audioset/vggish/vggish_params.py, vggish_export_tfhub.py.
HOPS = {"classes": 7680, "embedding": 15360}
EXPECTED = (
    "expected is one that takes a waveform (samples,) of 16 kHz and gives scores, embeddings and the log-mel "
    "spectrogram with a map of the classes, as google/yamnet/1 does, or embeddings alone, as google/vggish/1"
)
SECONDS = 120  # for one answer, the start of TensorFlow included
MAX_BYTES = 4 * 10**9  # that the process may occupy
MAX_RESERVED = 2 * MAX_BYTES  # stacks of threads count, used or not
MAX_ANSWER = 256 * 10**6
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_HOME": os.devnull,  # no folder: Keras fails over settings that it sees and may not read
}

_Text = Annotated[str, msgspec.Meta(max_length=300, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]


@dataclass(frozen=True)
class Facts:
    """What a graph declares about itself.

    Attributes
    ----------
    kind : {"classes", "embedding"}
        Scores and embeddings as YAMNet gives them, or embeddings alone as VGGish does.
    width : int
        Numbers in an embedding.
    parameters : int
        Trainable ones, or all where none is.
    labels : tuple of (str, str)
        Identifier and name of each class.
    """

    kind: Literal["classes", "embedding"]
    width: Annotated[int, msgspec.Meta(ge=1, le=10**5)]
    parameters: Annotated[int, msgspec.Meta(ge=1, le=10**12)]
    labels: tuple[tuple[_Text, _Text], ...] = ()

    def __post_init__(self) -> None:
        if (self.kind == "classes") != bool(self.labels):
            raise ValueError("scores need labels, and embeddings alone have none")


class Graph:
    """The graph of a SavedModel, or the first one inside it that takes sound (a Keras model may wrap it).

    Parameters
    ----------
    folder : Path

    Raises
    ------
    MissingLibraryError
        If TensorFlow Hub is not installed.
    SandboxError
        If this machine has no sandbox.
    WeightsError
        If TensorFlow cannot run it, or it is of another kind.
    """

    def __init__(self, folder: Path):
        require("tensorflow_hub")
        sandbox.require()
        self.folder = folder
        self._worker = Worker(
            "zoo.hub.tf_worker",
            os.fspath(folder),
            str(MAX_RESERVED),
            max_bytes=MAX_BYTES,
            max_answer=MAX_ANSWER,
            env=ENVIRONMENT,
        )
        facts, _ = self._ask()
        if not facts:
            raise WeightsError(f"{folder} is a SavedModel of another kind: {EXPECTED}.")
        try:
            self.facts = msgspec.convert(facts, Facts)
        except msgspec.ValidationError as error:
            raise WeightsError(f"{folder} describes itself with invalid values: {error}.") from error

    def __call__(self, waveform: np.ndarray) -> list[np.ndarray]:
        """Compute (patches, classes) and (patches, width), or the latter, of a waveform, shape (samples,).

        Raises
        ------
        WeightsError
            If TensorFlow fails, or passes a limit of time or memory.
        """
        _, outputs = self._ask(np.ascontiguousarray(waveform, np.float32))
        widths = [len(self.facts.labels)] * bool(self.facts.labels) + [self.facts.width]
        patches = len(outputs[0]) if outputs and outputs[0].ndim else 0
        if [(output.shape, output.dtype) for output in outputs] != [
            ((patches, width), np.float32) for width in widths
        ]:
            shapes = ", ".join(str(output.shape) for output in outputs) or "nothing"
            raise WeightsError(f"{self.folder} gave outputs of other shapes than before: {shapes}.")
        return outputs

    def __deepcopy__(self, memo: dict[int, Any]) -> "Graph":
        return self  # it keeps no state between two calls

    def _ask(self, *waveforms: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            return self._worker.call({}, *waveforms, seconds=SECONDS)
        except WorkerTimeoutError as error:
            why = f"it took more than {SECONDS} s"
            raise WeightsError(f"TensorFlow cannot run {self.folder}: {why}.") from error
        except WorkerMemoryError as error:
            why = f"it took more than {MAX_BYTES / 1e9:g} GB of memory"
            raise WeightsError(f"TensorFlow cannot run {self.folder}: {why}.") from error
        except ZooError as error:
            raise WeightsError(f"TensorFlow cannot run {self.folder}: {first_line(error)}.") from error
