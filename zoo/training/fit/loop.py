"""The loop that trains: a head on features, or a whole network on examples."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypedDict

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn.functional import cross_entropy

from zoo.core.errors import InputError, WeightsError
from zoo.core.validation import choice, count, number
from zoo.hub.weights import write

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Data (n, ...), targets (n,) and weights (n,)."""


class Examples(Protocol):
    """What is trained on."""

    targets: np.ndarray

    def __len__(self) -> int: ...

    def batches(self, order: np.ndarray, epoch: int, size: int) -> Iterator[Batch]:
        """Batches of at most `size` examples in an order, as the network sees them in an epoch."""
        ...


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate : float
        Learning rate of the head, after the warm-up; it falls to nothing along a cosine.
    layer_lr_decay : float
        By how much the first layers that learn are slower than the last ones: their rates lie between, evenly
        on a logarithmic scale (Howard and Ruder, ULMFiT, ACL 2018).
    weight_decay : float
        Weight decay of AdamW.
    warmup : float
        Share of the steps in which the rate rises.
    patience : int
        Epochs without a smaller loss on the validation split, after which training stops.
    label_smoothing : float
        Of the labels (Szegedy et al. 2016).
    balanced : bool
        Whether all classes weigh the same, however many examples they have.
    accumulate : int
        Batches whose gradients are added up before a step.
    dtype : str
        Key of `PRECISIONS`.
    freeze_batchnorm : bool
        Whether batch norm keeps its statistics, as it should where it has some worth keeping.
    seed : int
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    layer_lr_decay: float = 10.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    patience: int = 5
    label_smoothing: float = 0.05
    balanced: bool = True
    accumulate: int = 1
    dtype: str = "fp32"
    freeze_batchnorm: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "accumulate"):
            count(name, getattr(self, name))
        for name, low, high in (
            ("learning_rate", 1e-8, 10),
            ("layer_lr_decay", 1, 1e6),
            ("weight_decay", 0, 10),
            ("warmup", 0, 0.9),
            ("label_smoothing", 0, 0.9),
        ):
            number(name, getattr(self, name), low, high)
        choice("dtype", self.dtype, PRECISIONS)


class SettingsKeywords(TypedDict, total=False):
    """Fields of `Settings` as keywords of `zoo.transfer`, which has a seed of its own."""

    epochs: int
    batch_size: int
    learning_rate: float
    layer_lr_decay: float
    weight_decay: float
    warmup: float
    patience: int
    label_smoothing: float
    balanced: bool
    accumulate: int
    dtype: str
    freeze_batchnorm: bool


class Step(NamedTuple):
    """How far training is; what a progress callable is given.

    That `fraction` of all epochs is done; `eta` seconds remain at this pace, if it does not stop early.
    `history` has a row for each finished epoch: loss and accuracy on both splits.
    """

    fraction: float
    eta: float
    history: tuple[dict[str, float], ...]


Watch = Callable[[Step], object]
"""Called after every batch; training stops with the best network so far where it returns True.

What it raises ends training at once.
"""


def fit(
    module: nn.Module,
    training: Examples,
    validation: Examples,
    settings: Settings,
    *,
    head: str = "",
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    origin: str = "",
    watch: Watch | None = None,
    shared: bool = False,
) -> list[dict[str, float]]:
    """Train a module, which ends with the parameters of its best epoch.

    Parameters
    ----------
    module : Module
        Its parameters that take a gradient learn, and so do its statistics where settings say so.
    training, validation : Examples
    settings : Settings
    head : str
        The layer that learns fastest; empty: the whole module does.
    device : device
    checkpoint : Path, optional
        A file that is written after every epoch; where there is one of the same run, that run goes on. Each
        epoch has random numbers of its own, so the result is that of a run in one piece.
    origin : str
        What else must be the same for a run to go on: the data, the network.
    watch : callable, optional
    shared : bool
        Whether the processes that torchrun started share the work, or each does all of it, to the same end.

    Returns
    -------
    list of dict
        One row an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy.

    Raises
    ------
    WeightsError
        If the checkpoint is of another run, or cannot be read or written.
    InputError
        If the losses stop being numbers.
    """
    run = _Run(module, training, validation, settings, head, torch.device(device), shared)
    key = f"{origin} {asdict(settings)}"
    if checkpoint and checkpoint.is_file():
        run.resume(checkpoint, key)
    begin, epochs_before = time.monotonic(), len(run.history)

    def report(within: float) -> bool:
        passed = len(run.history) - epochs_before + within
        eta = (settings.epochs - len(run.history) - within) * (time.monotonic() - begin) / max(passed, 1e-9)
        fraction = (len(run.history) + within) / settings.epochs
        return bool(watch and watch(Step(fraction, eta, tuple(run.history))))

    while not run.over():
        if run.epoch(report):
            break
        if checkpoint:
            run.keep(checkpoint, key)
        if report(0.0):
            break
    run.take_best()
    return run.history


class _Run:
    """The state of a run between two epochs."""

    def __init__(
        self,
        module: nn.Module,
        training: Examples,
        validation: Examples,
        settings: Settings,
        head: str,
        device: torch.device,
        shared: bool,
    ):
        self.settings, self.training, self.validation = settings, training, validation
        self.fabric = _fabric(device, settings.dtype, shared)
        self.fabric.launch()
        self.plain = module
        if device.type == "cuda":
            module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  (torch takes it)
        groups = parameter_groups(module, head, settings)
        self.steps = -(-self._per_process(len(training)) // (settings.batch_size * settings.accumulate))
        self.module, self.optimizer = self.fabric.setup(module, torch.optim.AdamW(groups))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.history: list[dict[str, float]] = []
        self.best = _copy(module)
        self.weights = self._class_weights()

    def over(self) -> bool:
        losses = [row["validation_loss"] for row in self.history]
        waited = len(losses) - 1 - int(np.argmin(losses)) if losses else 0
        return len(losses) >= self.settings.epochs or waited >= self.settings.patience

    def epoch(self, report: Callable[[float], bool]) -> bool:
        """One epoch; True where it was stopped on its way, and counts for nothing."""
        settings, number_ = self.settings, len(self.history)
        torch.manual_seed(settings.seed * 1_000_003 + number_)
        order = np.random.default_rng([settings.seed, number_]).permutation(len(self.training))
        order = order[self.fabric.global_rank :: self.fabric.world_size][: self._per_process(len(order))]
        loss_sum, right, total = 0.0, 0, 0
        self._train_mode()
        batches = list(range(0, len(order), settings.batch_size))
        for place, (data, targets, weights) in enumerate(self._batches(self.training, order, number_)):
            last = (place + 1) % settings.accumulate == 0 or place + 1 == len(batches)
            with self.fabric.no_backward_sync(self.module, enabled=not last):
                outputs = self.module(data).float()
                loss = self._loss(outputs, targets, weights)
                self.fabric.backward(loss / settings.accumulate)
            if last:
                self.optimizer.step()
                self.optimizer.zero_grad()
                self.schedule.step()
            loss_sum += loss.item() * len(targets)
            right += int((outputs.argmax(dim=1) == targets).sum())
            total += len(targets)
            if not np.isfinite(loss_sum):
                raise InputError("Training diverged: the loss is not a number; choose a lower learning rate.")
            if report((place + 1) / len(batches)):
                return True
        row = {
            "epoch": number_ + 1,
            "loss": loss_sum / total,
            "accuracy": right / total,
            **self._validate(report),
        }
        if all(row["validation_loss"] < before["validation_loss"] for before in self.history):
            self.best = _copy(self.plain)
        self.history.append(row)
        return False

    def take_best(self) -> None:
        self.plain.load_state_dict(self.best)
        self.plain.eval()

    def keep(self, path: Path, key: str) -> None:
        """Write the state of the run, whole or not at all."""
        if self.fabric.global_rank:
            return
        state = {
            "key": key,
            "module": _copy(self.plain),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, lambda temporary: torch.save(state, temporary))
        except OSError as error:
            raise WeightsError(f"{path} cannot be written: {error.strerror or error}.") from error

    def resume(self, path: Path, key: str) -> None:
        """Go on from a checkpoint."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file makes torch and pickle raise anything
            raise WeightsError(f"The checkpoint {path} cannot be read; delete it to start anew.") from error
        if state["key"] != key:
            raise WeightsError(
                f"The checkpoint {path} is of a run with other data, network or settings; "
                "delete it, or choose another folder."
            )
        self.plain.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.best, self.history = state["best"], state["history"]

    def _train_mode(self) -> None:
        self.module.train()
        for layer in self.plain.modules():
            if self.settings.freeze_batchnorm and isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()

    @torch.no_grad()
    def _validate(self, report: Callable[[float], bool]) -> dict[str, float]:
        self.module.eval()
        order = np.arange(len(self.validation))
        loss = right = total = 0.0
        for data, targets, weights in self._batches(self.validation, order, -1):
            outputs = self.module(data).float()
            loss += float((cross_entropy(outputs, targets, reduction="none") * weights).sum())
            right += float(((outputs.argmax(dim=1) == targets) * weights).sum())
            total += float(weights.sum())
            report(1.0)  # which may raise; where training should stop, it does after this
        return {"validation_loss": loss / total, "validation_accuracy": right / total}

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        smoothing = self.settings.label_smoothing
        losses = cross_entropy(outputs, targets, reduction="none", label_smoothing=smoothing)
        weights = weights * self.weights.to(weights.device)[targets]
        return (losses * weights).sum() / weights.sum()

    def _class_weights(self) -> torch.Tensor:
        counts = np.bincount(self.training.targets)
        weights = counts.mean() / counts.clip(min=1) if self.settings.balanced else np.ones(len(counts))
        return torch.from_numpy(weights).float()

    def _per_process(self, examples: int) -> int:
        """Examples of each process: the same for all, so that none waits for another."""
        return max(examples // self.fabric.world_size, 1)

    def _rate(self, step: int) -> float:
        total = self.steps * self.settings.epochs
        warm = self.settings.warmup * total
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(total - warm, 1), 1)))

    def _batches(self, examples: Examples, order: np.ndarray, epoch: int) -> Iterator[Batch]:
        for batch in examples.batches(order, epoch, self.settings.batch_size):
            yield self.fabric.to_device(batch)


def is_first() -> bool:
    """Whether this process is the first of those that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def _fabric(device: torch.device, dtype: str, shared: bool) -> Fabric:
    """Set up the device, the precision and, if torchrun has started several, the processes."""
    accelerator = "cuda" if device.type == "cuda" else "cpu"
    everywhere, here = (int(os.environ.get(name, 1)) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if shared and everywhere > 1:
        spread: dict[str, Any] = {"devices": here, "num_nodes": everywhere // here, "strategy": "ddp"}
    else:
        spread = {"devices": [device.index or 0] if accelerator == "cuda" else 1}
    return Fabric(accelerator=accelerator, precision=PRECISIONS[dtype], **spread)


def parameter_groups(
    module: nn.Module, head: str, settings: Settings, bands: int = 3
) -> list[dict[str, Any]]:
    """Group the trainable parameters by rate: the head's, and those of the body in bands of layers."""
    learning = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    own = [p for name, p in learning if not head or name.startswith(f"{head}.")]
    body = [p for name, p in learning if head and not name.startswith(f"{head}.")]
    groups = [{"params": own, "lr": settings.learning_rate, "weight_decay": settings.weight_decay}]
    for band, part in enumerate(np.array_split(np.arange(len(body)), bands)):
        rate = settings.learning_rate / 10 / settings.layer_lr_decay ** ((bands - 1 - band) / (bands - 1))
        if len(part):
            params = [body[i] for i in part]
            groups.append({"params": params, "lr": rate, "weight_decay": settings.weight_decay})
    return groups


def _copy(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}
