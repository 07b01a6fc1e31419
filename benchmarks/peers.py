"""Other people's programs for the networks of sound, given our weights, for ``sound.py`` to measure.

They are not dependencies of ours. Put them into a folder of their own and name it with ``--peers``; resampy
is imported by three of them and used by none, at the rates of the networks:

``uv pip install --target PEERS --no-deps torchcrepe==0.0.24 torchvggish==0.2 torchopenl3==1.0.1
resampy==0.4.3 julius==0.2.8``

Each function gives a `Peer`, or raises ImportError where its program is not in the folder.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from zoo.hub import sources
from zoo.inference.network import Network


@dataclass(frozen=True)
class Peer:
    """Another program for one of our networks.

    Attributes
    ----------
    name : str
    run : callable
        Waveform at the network's rate -> what the network gives, shape (windows, width).
    forward : callable or None
        The network alone, on what our front-end gives; None where it cannot run alone.
    same : callable
        Makes of our result what the peer's should be, where it is another by design.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]
    forward: Callable[[torch.Tensor], object] | None
    same: Callable[[np.ndarray], np.ndarray] = lambda ours: ours


def torchcrepe(net: Network) -> Peer:
    """Its full network with its own weights, which are ours, in batches of 512 frames.

    It divides frames by another standard deviation, which changes activations by up to 4e-4.
    """
    import torchcrepe as peer

    peer.load.model("cpu", "full")

    def forward(frames: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return peer.infer(frames, "full")

    def run(sound: np.ndarray) -> np.ndarray:
        batches = peer.preprocess(torch.from_numpy(sound)[None], net.preprocessor.sample_rate, 160, 512)
        return np.concatenate([forward(frames).numpy() for frames in batches])

    return Peer("torchcrepe", run, forward)


def yamnet_graph(net: Network) -> Peer:
    """Return the original, TF-Hub's graph with its front-end, which takes a whole waveform.

    The archive that our weights come from is a classifier on top of it, and holds it whole.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    if torch.get_num_threads() == 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    source = net.spec.sources[0]
    with tempfile.TemporaryDirectory() as folder:
        path = sources.get(source.url, Path(folder), checksum=source.checksum)
        classifier = tf.saved_model.load(os.fspath(path))
    graph = getattr(classifier, "layer-1").layer._func
    return Peer("TF-Hub's graph", lambda sound: graph(sound)[0].numpy(), None)


def torchvggish(net: Network) -> Peer:
    """PyTorch, with a front-end in NumPy and float64; the whole recording is one batch."""
    from torchvggish import torchvggish as peer
    from torchvggish.vggish_input import waveform_to_examples

    module = peer.VGG(peer.make_layers(), postprocess=False).eval()
    module.load_state_dict(net.module.state_dict())

    def forward(examples: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return module(examples)

    def run(sound: np.ndarray) -> np.ndarray:
        return forward(waveform_to_examples(sound, net.preprocessor.sample_rate)).numpy()

    # a ReLU where the original has none
    return Peer("torchvggish", run, forward, lambda ours: ours.clip(min=0))


def torchopenl3(net: Network) -> Peer:
    """PyTorch, with spectrograms by convolution, in batches of 32 as by default.

    Its mel bands are made by the installed librosa, to which ``norm=1`` means something else than to the one
    that it was written for; they are replaced by the original's, which are ours.
    """
    from torchopenl3.core import get_audio_embedding
    from torchopenl3.models import PytorchOpenl3

    from zoo.audio.spectrograms import area_normalized_mel

    module = PytorchOpenl3("env", "mel128", 512).eval()
    with torch.no_grad():
        module.speclayer.mel_basis.copy_(torch.from_numpy(area_normalized_mel(128, htk=True)))
    state = module.state_dict()
    for name, tensor in net.module.state_dict().items():
        block, _, variable = name.rpartition(".")
        state[f"{_openl3_layer(block)}.{variable}"] = tensor
    module.load_state_dict(state)
    hop = net.preprocessor.framing.hop / net.preprocessor.sample_rate

    def run(sound: np.ndarray) -> np.ndarray:
        return get_audio_embedding(sound, net.preprocessor.sample_rate, model=module, hop_size=hop)[0][
            0
        ].numpy()

    return Peer("torchopenl3", run, _without_spectrogram(module))


def _openl3_layer(block: str) -> str:
    """torchopenl3's name of one of our layers: "block3.norm" is "batch_normalization_4"."""
    if block in ("norm", "conv8"):
        return {"norm": "batch_normalization_1", "conv8": "audio_embedding_layer"}[block]
    number, kind = int(block[len("block")]), block.partition(".")[2]
    return f"conv2d_{number}" if kind == "conv" else f"batch_normalization_{number + 1}"


def _without_spectrogram(module: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """Its network on spectrograms (n, 1, 128, 199)."""

    def forward(spectrograms: torch.Tensor) -> torch.Tensor:
        whole, module.speclayer = module.speclayer, torch.nn.Identity()
        try:
            with torch.inference_mode():
                return module(spectrograms.squeeze(1))
        finally:
            module.speclayer = whole

    return forward
