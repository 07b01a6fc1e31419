"""YAMNet and VGGish as their authors published them on TF-Hub: the original graphs, behind the zoo's verbs.

https://tfhub.dev/google/yamnet/1, https://tfhub.dev/google/vggish/1
"""

import os
import re
import shutil
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import torch
from torch import nn

from zoo import formats
from zoo.audio.frontends import Frontend
from zoo.core.errors import InputError, TrustError, WeightsError
from zoo.core.labels import Label
from zoo.core.layers import HeadPlaceholder
from zoo.core.spec import Parent, Source, Spec
from zoo.hub import registry, sources, weights
from zoo.hub.tf_process import HOPS, RATE, WINDOW, Graph

_HANDLE = re.compile(r"\w[\w.-]*(/\w[\w.-]*)+", re.ASCII)
_trusted: set[bytes] = set()  # SHA-256 of each SavedModel that may run in this process


class OriginalHead(HeadPlaceholder):
    """Passes on the logits of the graph's own classes; a fresh head in its place is put on the embedding."""


class TensorFlowGraph(nn.Module):
    """Windows (n, samples) -> logits (n, classes), or embeddings (n, width) of a graph without classes.

    Its layers are what the graph gives out, `embedding` and `head`; what is inside can be neither seen nor
    trained. What it loads as weights is the hash of the SavedModel at its first use.

    Parameters
    ----------
    folder : str
        Of the SavedModel.

    Raises
    ------
    TrustError
        If it is not a source of the catalog, and `describe` was not told in this process to trust it.
    """

    sha256: torch.Tensor

    def __init__(self, folder: str):
        super().__init__()
        self.graph = _graph(Path(folder))
        self.hop = HOPS[self.graph.facts.kind]
        width = self.graph.facts.width
        self.embedding = nn.Identity()
        self.head = OriginalHead(width) if self.graph.facts.labels else HeadPlaceholder(width)
        self.register_buffer("sha256", torch.zeros(32, dtype=torch.uint8))
        self.register_load_state_dict_post_hook(_require_unchanged)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        if torch.jit.is_tracing():  # pyright: ignore[reportPrivateImportUsage]  (torch documents it)
            raise NotImplementedError("TensorFlow runs it")
        if torch.is_autocast_enabled(windows.device.type):
            raise InputError("TensorFlow runs this graph in fp32: leave out dtype.")
        if not self.sha256.any():
            raise InputError("A graph of TensorFlow is never untrained: leave out weights=None.")
        outputs = [self._outputs(run) for run in _runs(windows.cpu(), self.hop)]
        *scores, vectors = (torch.cat(parts).to(windows.device) for parts in zip(*outputs, strict=True))
        vectors = self.embedding(vectors)
        return self.head(torch.logit(scores[0]) if isinstance(self.head, OriginalHead) else vectors)

    def _outputs(self, run: torch.Tensor) -> list[torch.Tensor]:
        """Compute the outputs for windows that continue each other, from one waveform.

        The graph pads a waveform by a number that it rounds: for whole windows it may give a patch too many.
        """
        waveform = torch.cat([run[0], run[1:, -self.hop :].flatten()])
        outputs = self.graph(waveform.numpy())
        if len(outputs[0]) < len(run):
            raise WeightsError(f"{self.graph.folder} gave {len(outputs[0])} rows for {len(run)} windows.")
        return [torch.from_numpy(output[: len(run)]) for output in outputs]


def _runs(windows: torch.Tensor, hop: int) -> tuple[torch.Tensor, ...]:
    """Windows cut where one does not continue the one before, from the sample that the graph's hop gives.

    The graph needs frames once that windows share, which makes it four times as fast as one by one.
    """
    continued = (windows[1:, :-hop] == windows[:-1, hop:]).all(dim=1)
    return windows.tensor_split((~continued).nonzero()[:, 0] + 1)


def _require_unchanged(module: TensorFlowGraph, _keys: Any) -> None:
    if module.sha256.cpu().numpy().tobytes() != _sha256(module.graph.folder):
        raise RuntimeError(f"{module.graph.folder} has changed since it was first used")


@dataclass(frozen=True)
class Windows(Frontend):
    """Plain windows of a waveform: the graph makes its log-mel patches itself."""

    @property
    def span(self) -> float:
        """0.96 s, as in `zoo.audio.frontends.LogMelPatches`."""
        return 0.96

    def describe(self) -> str:
        return f"{super().describe()}; the graph makes a log-mel patch of each."

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Windows of a waveform (samples,), shape (k, window)."""
        return waveform.unfold(0, self.framing.window, self.framing.hop)


def describe(name: str, *, trust: bool = False) -> Spec:
    """Describe a SavedModel, which runs in a sandbox to tell what it is.

    Parameters
    ----------
    name : str
        ``owner/module/version`` of TF-Hub, or the path of a folder: absolute, or with a ``.`` or ``~`` first.
    trust : bool
        Whether to run one that is not a source of the catalog.

    Raises
    ------
    TrustError
        If it is not a source of the catalog, and `trust` is false.
    SandboxError
        If this machine has no sandbox.
    WeightsError
        If it cannot be fetched, or is neither of YAMNet's kind nor of VGGish's.
    """
    folder = _admit(name, trust)
    facts = _graph(folder).facts
    local = _is_local(name)
    classifies = bool(facts.labels)
    return Spec(
        name=f"tfhub:{folder.name}@{_sha256(folder).hex()[:12]}" if local else f"tfhub:{name}",
        title=folder.name if local else name,
        modality="audio",
        tasks=("classify", "embed", "events") if classifies else ("embed",),
        builder="tfhub",
        arguments={"folder": str(folder)},
        parameters=facts.parameters,
        depth=None,
        input_shape=(WINDOW,),
        classes=len(facts.labels) or facts.width,
        labels=f"tfhub:{folder}" if classifies else None,
        activation="sigmoid" if classifies else "softmax",
        head_layer="head",
        embedding_layer="embedding",
        preprocess={
            "type": "tfhub.windows",
            "sample_rate": RATE,
            # padded as the graph itself does
            "framing": {"window": WINDOW, "hop": HOPS[facts.kind], "pad": classifies},
        },
        license="not stated in a SavedModel",
        citation="See the module's page.",
        homepage=str(folder) if local else f"https://tfhub.dev/{name}",
        validation="The original graph, run by TensorFlow; `zoo verify` holds other networks against it.",
        sources=(Source(f"tfhub:{folder}", "graph"),),
        origin="tfhub",
        parent=Parent(f"tfhub:{folder}") if local else None,
    )


def labels(name: str) -> tuple[Label, ...]:
    """Read the classes that a graph names.

    Raises
    ------
    TrustError
        If it is not a source of the catalog, and `describe` was not told in this process to trust it.
    """
    folder = _folder(name) if _is_local(name) else _admit(name, trust=False)
    return tuple(Label(identity, label) for identity, label in _graph(folder).facts.labels)


def _admit(name: str, trust: bool) -> Path:
    """Admit the folder of a SavedModel, whose present content may run in this process from now on."""
    if not (trust or _is_local(name) or f"tfhub:{name}" in _catalog_sources()):
        raise _untrusted(name)  # which is not fetched either
    folder = _folder(name)
    if trust:
        _trusted.add(_sha256(folder))
    elif not _is_of_the_catalog(folder):
        raise _untrusted(name)
    return folder


def _is_of_the_catalog(folder: Path) -> bool:
    """Whether a folder has the checksum of one of the catalog's sources, or is where one was put."""
    name = unquote(folder.name)
    own = _catalog_sources()
    return f"sha256:{_sha256(folder).hex()}" in own or (folder == _place(name) and f"tfhub:{name}" in own)


@cache
def _catalog_sources() -> frozenset[str | None]:
    """Addresses and checksums."""
    specs = map(registry.describe, registry.networks("audio"))
    origins = [source for spec in specs for source in spec.sources]
    return frozenset(fact for source in origins for fact in (source.url, source.checksum))


def _untrusted(name: str | Path) -> TrustError:
    return TrustError(
        f"{name} is not a source of the catalog, and a SavedModel is a program, which can read and write "
        "files: pass trust=True (--trust) if you trust its author; even then it runs in a sandbox."
    )


def _is_local(name: str) -> bool:
    return registry.is_outside_hub(name)


def _folder(name: str) -> Path:
    """Return the folder of a SavedModel; one of TF-Hub is copied into the cache, also for use offline."""
    if _is_local(name):
        return Path(os.path.expanduser(name)).absolute()
    if not _HANDLE.fullmatch(name):
        raise WeightsError(f"tfhub:{name} does not have the form owner/module/version or ./folder.")
    path = _place(name)
    if path.is_dir():
        return path
    with weights.locked(path):
        if not path.is_dir():  # no other process was faster
            with weights.workspace(path) as work:
                download = sources.get(f"tfhub:{name}", work)
                shutil.copytree(download, work / path.name).replace(path)
    return path


def _place(name: str) -> Path:
    """Where one of TF-Hub is kept; no two names share a place."""
    return weights.cache_folder() / "savedmodels" / quote(name, safe="")


def _sha256(folder: Path) -> bytes:
    return formats.read(folder, "graph")["sha256"].tobytes()


def _graph(folder: Path) -> Graph:
    """Open the graph of a folder once, which takes seconds; `describe`, builder and `labels` all use it.

    All of them come through here, so nothing runs that was not trusted: not from a record that a stranger
    wrote either, nor after the folder has changed.
    """
    sha256 = _sha256(folder)
    if sha256 not in _trusted and not _is_of_the_catalog(folder):
        raise _untrusted(folder)
    return _opened(folder, sha256)


@lru_cache(maxsize=1)
def _opened(folder: Path, sha256: bytes) -> Graph:
    return Graph(folder)
