"""Recipes: well-known data, a network and a method that fit it, and the accuracy to expect.

>>> from zoo.training import recipes
>>> trained, result = recipes.train("digits-offline", out="digits")     # doctest: +SKIP
>>> result.accuracy >= recipes.RECIPES["digits-offline"].accuracy       # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from zoo.core.errors import UnknownNameError
from zoo.core.progress import Progress
from zoo.core.random_state import preserved_random_state
from zoo.core.spec import Spec
from zoo.core.validation import choice
from zoo.inference.build import build
from zoo.inference.load import load
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset
from zoo.training.data.esc50 import esc50
from zoo.training.data.load import dataset
from zoo.training.evaluation.evaluate import evaluate
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.fit.loop import Watch, is_first
from zoo.training.fit.transfer import transfer
from zoo.vision.small import small_cnn


@dataclass(frozen=True)
class Recipe:
    """How to train on data that everybody can have.

    Attributes
    ----------
    name, title : str
    data : str or callable
        What `zoo.dataset` takes, or what gives the examples.
    test : str or float
        What is held out to judge the result: a split of the data by its name, one of its groups, or which
        share of it.
    network : str or Spec
        A network of the zoo, or the record of an untrained one.
    options : mapping
        Arguments of `zoo.transfer`.
    accuracy : float or None
        What to expect at least, from 0 to 1; None where no figure is known.
    measured : str
        Who measured that, or whose figure it is.
    """

    name: str
    title: str
    data: str | Callable[[], Dataset]
    test: str | float
    network: str | Spec
    options: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    measured: str = ""

    def examples(self) -> tuple[Dataset, Dataset]:
        """Return the training examples, and those held out to evaluate the result."""
        data = self.data() if callable(self.data) else dataset(self.data)
        if isinstance(self.test, float):
            return data.split(self.test)
        if data.groups is None and isinstance(self.data, str):
            return data, dataset(self.data, split=str(self.test))
        held = np.array(data.groups) == self.test
        return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))

    @preserved_random_state()
    def untrained(self, *, device: DeviceLike = "auto", seed: int = 0) -> Network:
        """Return the network before training."""
        if isinstance(self.network, str):
            return load(self.network, device=device)
        torch.manual_seed(seed)
        return Network(self.network, build(self.network), (), device=device)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready values."""
        return {
            "name": self.name,
            "title": self.title,
            "method": self.options["method"],
            "accuracy": self.accuracy,
            "measured": self.measured,
        }


def train(
    name: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: DeviceLike = "auto",
    seed: int = 0,
    progress: Progress | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> tuple[Network, Evaluation]:
    """Follow a recipe, and judge what came out on the part of the data that was held out.

    Parameters
    ----------
    name : str
        Key of `RECIPES`.
    out, resume, device, seed, progress, watch, **settings
        As of `zoo.transfer`; settings of the recipe that are given anew count instead.

    Returns
    -------
    Network
        Its ``spec.training`` names the recipe and has the accuracy on the held-out part.
    Evaluation

    Raises
    ------
    UnknownNameError
        If the recipe is unknown.
    InputError, WeightsError
        As `zoo.dataset` and `zoo.transfer`.
    """
    recipe = find(name)
    training, test = recipe.examples()
    options = {**recipe.options, **settings}
    trained = transfer(
        training,
        network=recipe.untrained(device=device, seed=seed),
        out=out,
        resume=resume,
        seed=seed,
        progress=progress,
        watch=watch,
        **options,
    )
    result = evaluate(test, network=trained)
    notes = {"recipe": name, "test examples": len(result), "test accuracy": float(result.accuracy)}
    trained.spec = trained.spec.replace(training={**trained.spec.training, **notes})
    if out and is_first():
        trained.save(out)
    return trained, result


def find(name: str) -> Recipe:
    """Find a recipe by its name; an `UnknownNameError` names all."""
    return RECIPES[choice("recipe", name, RECIPES, error=UnknownNameError)]


# Mean and standard deviation of the channels are those of the training pictures.
_ALL = (
    Recipe(
        name="digits-offline",
        title="scikit-learn's 1797 digits of 8 × 8 pixels, a small CNN from scratch; needs no network",
        data="sklearn:digits",
        test=0.1,
        network=small_cnn(classes=10, size=8, mean=[0.305], std=[0.376], widths=[32, 64]),
        options={"method": "scratch", "augment": "shift", "epochs": 25, "validation": 0.1},
        accuracy=0.98,
        measured="98.3 to 99.4 % of 179 digits over seeds 0 to 4, on a CPU, by this project",
    ),
    Recipe(
        name="mnist-cnn",
        title="MNIST's 70 000 digits of 28 × 28 pixels, a small CNN from scratch",
        data="torchvision:MNIST",
        test="test",
        network=small_cnn(classes=10, size=28, mean=[0.1307], std=[0.3081], widths=[32, 64]),
        options={"method": "scratch", "augment": "shift", "epochs": 8, "batch_size": 64, "validation": 0.05},
        accuracy=0.98,
        measured="a target of the project, not measured; such networks are known to reach 99 %",
    ),
    Recipe(
        name="cifar10-cnn",
        title="CIFAR-10's 60 000 pictures of 32 × 32 pixels, a small CNN from scratch",
        data="torchvision:CIFAR10",
        test="test",
        network=small_cnn(
            classes=10,
            size=32,
            mean=[0.4914, 0.4822, 0.4465],
            std=[0.2470, 0.2435, 0.2616],
            widths=[32, 64, 128],
        ),
        options={
            "method": "scratch",
            "augment": "mirror",
            "epochs": 25,
            "batch_size": 64,
            "validation": 0.05,
        },
        accuracy=0.78,
        measured="a target of the project, not measured",
    ),
    Recipe(
        name="imagenette-vgg16",
        title="Imagenette's 13 000 photos in ten classes of ImageNet, a new head on VGG-16",
        data="torchvision:Imagenette",
        test="val",
        network="vgg16",
        options={"method": "head", "validation": 0.1},
        accuracy=0.94,
        measured="a target of the project, not measured; the body has seen the classes in ImageNet",
    ),
    Recipe(
        name="esc50-yamnet",
        title="ESC-50's 2000 recordings (CC BY-NC), logistic regression on YAMNet, fold 5 held out",
        data=esc50,
        test="5",
        network="yamnet",
        options={"method": "features", "classifier": "logistic"},
        measured="no figure is known, and none was measured; people reach 81.3 % (Piczak 2015)",
    ),
)
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
