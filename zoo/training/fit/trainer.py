"""Training a head on a frozen body, fine-tuning what is below it, and training all from scratch."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.core.progress import Progress
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset
from zoo.training.fit.features import Features, features
from zoo.training.fit.linear_head import apply_temperature, feature_scale, set_head
from zoo.training.fit.loaders import Pictures, Vectors, Windows, examples
from zoo.training.fit.loop import Settings, Step, Watch, fit

_log = logging.getLogger("zoo")


@dataclass(frozen=True)
class Job:
    """What is to be learned.

    Attributes
    ----------
    net : Network
        With its old head.
    training, held : Dataset
        Held out are the examples that say when to stop, and how sure the network may be.
    settings : Settings
        Of the last stage.
    progress, watch : callable or None
        As of `zoo.transfer`.
    """

    net: Network
    training: Dataset
    held: Dataset
    settings: Settings
    progress: Progress | None = None
    watch: Watch | None = None

    def head(self, *, refit: bool = False) -> tuple[Network, dict[str, Any]]:
        """Train a new head on stored features: the body runs once.

        Parameters
        ----------
        refit : bool
            Whether to train once more, on what was held out too, for as many epochs as were best without it.
            How sure the network may be is what the first training says.
        """
        training, held = (
            features(self.net, data, progress=self.progress) for data in (self.training, self.held)
        )
        linear, mean, scale, history = self._on_features(training, self.training.targets, held, self.watch)
        with torch.no_grad():
            logits = linear(torch.from_numpy(((held.values - mean) / scale).astype(np.float32))).numpy()
        if refit and history:  # none where it was stopped in its first epoch
            best = 1 + int(np.argmin([row["validation_loss"] for row in history]))
            targets = np.concatenate([self.training.targets, self.held.targets])

            def until_best(step: Step) -> bool:
                self._poll(1.0, history)
                return len(step.history) >= best

            linear, mean, scale, _ = self._on_features(training.joined(held), targets, held, until_best)
        trained = self.net.replace_head(self.training.classes)
        weight = linear.weight.detach().double().numpy() / scale
        set_head(trained, weight, linear.bias.detach().double().numpy() - weight @ mean)
        softness = apply_temperature(trained, logits, self.held.targets[held.example])
        return trained, self._record(history, softness) | {"refit": refit}

    def through_body(self, augment: str) -> tuple[Network, dict[str, Any]]:
        """Train a new head with augmentation: the body runs in every epoch, and stays fixed."""
        trained = self.net.replace_head(self.training.classes)
        return self._fit(trained, trained.freeze(), augment)

    def finetune(
        self, augment: str, freeze: str | None, checkpoint: Path | None, *, resume: bool
    ) -> tuple[Network, dict[str, Any]]:
        """First a head on stored features, then everything above the layer `freeze`.

        Parameters
        ----------
        augment : str
        freeze : str or None
        checkpoint : Path or None
            Written after every epoch, and gone once all is done.
        resume : bool
            Whether to go on from it, or to start anew.
        """
        quick = replace(self, settings=replace(self.settings, **HEAD), watch=lambda _: self._poll(0.0, []))
        trained, _ = quick.head()
        student = trained.freeze(freeze) if freeze else trained
        trained, record = self._fit(trained, student, augment, checkpoint, resume=resume)
        return trained, record | {"frozen up to": freeze}

    def from_scratch(
        self, augment: str, checkpoint: Path | None, *, resume: bool
    ) -> tuple[Network, dict[str, Any]]:
        """Everything at the same rate, from the parameters that the network has; otherwise as `finetune`."""
        torch.manual_seed(self.settings.seed)
        trained = self.net.replace_head(self.training.classes)
        return self._fit(trained, trained, augment, checkpoint, resume=resume, head="")

    def _on_features(
        self, training: Features, targets: np.ndarray, held: Features, watch: Watch | None
    ) -> tuple[nn.Linear, np.ndarray, np.ndarray, list[dict[str, float]]]:
        mean, scale = training.values.mean(axis=0), feature_scale(training.values.std(axis=0))
        torch.manual_seed(self.settings.seed)
        linear = nn.Linear(training.values.shape[1], len(self.training.classes))
        nn.init.zeros_(linear.weight)  # the loss is convex: what is random at the start is only in the way
        nn.init.zeros_(linear.bias)
        history = fit(
            linear,
            Vectors(training, targets, mean, scale),
            Vectors(held, self.held.targets, mean, scale),
            self.settings,
            watch=watch,
        )
        return linear, mean, scale, history

    def _fit(
        self,
        trained: Network,
        student: Network,
        augment: str,
        checkpoint: Path | None = None,
        *,
        resume: bool = False,
        head: str | None = None,
    ) -> tuple[Network, dict[str, Any]]:
        """Train a copy of the module of `student` and put what it learned into `trained`."""
        if checkpoint and not resume:
            checkpoint.unlink(missing_ok=True)
        module = copy.deepcopy(student.module)
        stops = [name for name, layer in module.named_modules() if getattr(layer, "stops_gradients", False)]
        if stops:
            _log.warning(
                "Gradients stop at %s, which ONNX Runtime runs: no layer before learns.", ", ".join(stops)
            )
        seed = self.settings.seed
        held = examples(self.net, self.held)
        history = fit(
            module,
            examples(self.net, self.training, augment, seed),
            held,
            self.settings,
            head=self.net.spec.head_layer if head is None else head,
            device=self.net.device,
            checkpoint=checkpoint,
            origin=f"{self.net.name} {self.training.fingerprint} {self.held.fingerprint} {augment}",
            watch=self.watch,
            shared=True,
        )
        trained.module.load_state_dict(module.state_dict())
        softness = apply_temperature(trained, *self._logits(trained, held, history))
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
        record = self._record(history, softness) | {"augment": augment}
        return trained, record | ({"gradients stop at": stops} if stops else {})

    def _logits(
        self, net: Network, held: Pictures | Windows, history: list[dict[str, float]]
    ) -> tuple[np.ndarray, np.ndarray]:
        outputs, targets = [], []
        for data, right, _ in held.batches(np.arange(len(held)), -1, 16):
            self._poll(1.0, history)
            outputs.append(net.engine(data)[0].cpu().numpy())
            targets.append(right.numpy())
        return np.concatenate(outputs), np.concatenate(targets)

    def _poll(self, fraction: float, history: list[dict[str, float]]) -> None:
        """Let `watch` raise before or after the training itself, where it cannot be stopped halfway."""
        if self.watch:
            self.watch(Step(fraction, 0.0 if fraction else math.inf, tuple(history)))

    def _record(self, history: list[dict[str, float]], softness: float) -> dict[str, Any]:
        return {
            "settings": asdict(self.settings),
            "examples": len(self.training),
            "held out": len(self.held),
            "history": history,
            "temperature": softness,
        }


# On stored features, where an epoch takes milliseconds.
HEAD = {"epochs": 100, "learning_rate": 1e-3, "weight_decay": 0.1, "patience": 20}
# From scratch, where the loss on the validation split goes up and down until the rate is small.
SCRATCH = {
    "epochs": 30,
    "learning_rate": 3e-3,
    "weight_decay": 0.05,
    "patience": 15,
    "freeze_batchnorm": False,
}
