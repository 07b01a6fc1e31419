"""Any classifier or encoder of sound of Hugging Face by its name, with its own feature extractor.

Classifiers are those that transformers knows (AST, wav2vec 2.0, HuBERT, WavLM, Whisper with a classifier's
head, ...); encoders are the same without a head, and the half of CLAP that listens.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import AutoFeatureExtractor, ClapConfig, FeatureExtractionMixin

from zoo.audio import ontology
from zoo.audio.framing import Framing
from zoo.audio.frontends import Frontend
from zoo.core.environment import offline
from zoo.core.errors import UnknownNameError
from zoo.core.labels import Label
from zoo.core.spec import Spec
from zoo.hub import huggingface
from zoo.hub.huggingface_limits import require_sane_values

SECONDS = 5.0  # of a window, where the feature extractor takes any length
WHOLE_AUDIOSET = 500  # classes and more: YAMNet has 521 of them, AST 527


class Encoder(nn.Module):
    """A model of transformers without a head: one vector, (n, d), for each window.

    That is CLAP's projection, the pooled output of a model that has one (AST), else the mean of its last
    hidden states over time (wav2vec 2.0). Windows are never longer than what CLAP takes at once, so that it
    has nothing to fuse.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.input_name = str(model.main_input_name)
        self.vectors = nn.Identity()

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        inputs = {self.input_name: data}
        if hasattr(self.model, "audio_projection"):
            longer = torch.zeros(len(data), 1, dtype=torch.bool, device=data.device)
            return self.vectors(self.model(**inputs, is_longer=longer).audio_embeds)
        output = self.model(**inputs)
        pooled = getattr(output, "pooler_output", None)
        return self.vectors(output.last_hidden_state.mean(dim=1) if pooled is None else pooled)


def encoder(checkpoint: str) -> Encoder:
    """Build the untrained encoder of a checkpoint."""
    return Encoder(huggingface.untrained(huggingface.config_of(checkpoint)))


@dataclass(frozen=True)
class Extractor(Frontend):
    """The feature extractor of a checkpoint, window by window.

    Every window is full, the last one because it is moved back; a recording shorter than a window is handed
    over as it is, and filled up in the extractor's own way, if in any.

    Attributes
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.
    """

    checkpoint: str

    min_seconds: ClassVar[float] = 0.1  # more than the first frame of any network here
    batch_size: ClassVar[int] = 4  # windows of many seconds, for large networks

    @cached_property
    def extractor(self) -> Any:
        return _extractor(self.checkpoint)

    def describe(self) -> str:
        name = type(self.extractor).__name__
        return f"{super().describe()}; the checkpoint's own {name} makes its input of each."

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Features of a waveform (samples,) of k windows: (k, samples), (k, frames, bands) or the like."""
        window, hop = self.framing.window, self.framing.hop
        windows = waveform.unfold(0, window, hop) if len(waveform) > window else waveform[None]
        features = self.extractor(list(windows.numpy()), sampling_rate=self.sample_rate, return_tensors="pt")
        return features[self.extractor.model_input_names[0]].float()


def preprocessor(checkpoint: str, sample_rate: int, window: int) -> Extractor:
    """Build the preprocessing of a checkpoint: windows of that many samples that overlap by half."""
    return Extractor(sample_rate, Framing(window, window // 2, back=True), checkpoint)


def describe(checkpoint: str) -> Spec:
    """Describe a classifier or encoder of audio.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.

    Raises
    ------
    UnknownNameError
        If it is neither, or has no feature extractor.
    """
    config, extractor = huggingface.config_of(checkpoint), _extractor(checkpoint)
    sample_rate, window = extractor.sampling_rate, _window(extractor)
    with torch.device("meta"):
        module = _build(checkpoint, config)
    if isinstance(module, Encoder):
        clap = isinstance(config, ClapConfig)
        fields = {
            "tasks": ("embed",),
            "builder": "hf.encoder",
            "classes": config.projection_dim if clap else config.hidden_size,
            "activation": "softmax",
            "head_layer": "vectors",
            "embedding_layer": "vectors",
        }
    else:
        fields = huggingface.classifier_fields(checkpoint, module)
        if config.problem_type is None and config.num_labels >= WHOLE_AUDIOSET and _mids(checkpoint):
            fields["activation"] = "sigmoid"  # AST does not state it
        events = ("events",) if fields["activation"] == "sigmoid" else ()
        fields["tasks"] = ("classify", "embed", *events)
    return huggingface.record(
        checkpoint,
        module,
        modality="audio",
        tokens_first=True,
        input_shape=tuple(preprocessor(checkpoint, sample_rate, window)(torch.zeros(window)).shape[1:]),
        preprocess={
            "type": "hf.feature_extractor",
            "checkpoint": checkpoint,
            "sample_rate": sample_rate,
            "window": window,
        },
        **fields,
    )


def labels(checkpoint: str) -> tuple[Label, ...]:
    """Read the labels of the checkpoint's configuration, with their mids if they are AudioSet's."""
    mids = _mids(checkpoint)
    return tuple(
        Label(mids.get(name, str(i)), name) for i, name in enumerate(huggingface.names_of(checkpoint))
    )


def _build(checkpoint: str, config: Any) -> nn.Module:
    if huggingface.is_classifier(config):
        return huggingface.build(checkpoint)
    if config.is_encoder_decoder:
        raise UnknownNameError(f"hf:{checkpoint} is neither a classifier of sound nor an encoder alone.")
    return encoder(checkpoint)


def _extractor(checkpoint: str) -> Any:
    options = {"local_files_only": offline()}
    with huggingface.refusing(f"hf:{checkpoint} brings no feature extractor that transformers knows."):
        values, _ = FeatureExtractionMixin.get_feature_extractor_dict(checkpoint, **options)
        require_sane_values(values, f"The feature extractor of hf:{checkpoint}")
        return AutoFeatureExtractor.from_pretrained(checkpoint, **huggingface.DATA_ONLY, **options)


def _window(extractor: Any) -> int:
    """How many samples fill the features of an extractor; `SECONDS` of them where it takes any number."""
    for name in ("nb_max_samples", "n_samples"):  # CLAP's, Whisper's
        if length := getattr(extractor, name, None):
            return int(length)
    if frames := getattr(extractor, "max_length", None):  # AST's, one every 10 ms
        return round(frames * extractor.sampling_rate / 100)
    return round(SECONDS * extractor.sampling_rate)


def _mids(checkpoint: str) -> dict[str, str]:
    """Name -> mid of the classes that are AudioSet's, if most are; else a few may agree by chance."""
    names = huggingface.names_of(checkpoint)
    mids = {category.name: mid for mid, category in ontology.categories().items() if category.name in names}
    return mids if 2 * len(mids) > len(names) else {}
