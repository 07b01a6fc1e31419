"""Using the zoo leaves the settings of the host program unchanged."""

import json
import logging
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
import pooch
import torch

import zoo
from zoo.hub import weights

ROOT = Path(__file__).resolve().parents[2]


def settings() -> dict[str, Any]:
    """Return the global settings of this process that belong to the host program."""
    loggers = {"root": logging.root, "pooch": pooch.get_logger(), **logging.root.manager.loggerDict}
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "grad": torch.is_grad_enabled(),
        "loggers": {
            name: (logger.level, logger.disabled, logger.propagate, logger.handlers[:])
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger)
        },
        "NumPy errors": np.geterr(),
        "path": sys.path[:],
        "Pillow": (PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES),
        "precision": (torch.get_default_dtype(), torch.get_float32_matmul_precision()),
        "random of NumPy": repr(np.random.get_state()),  # noqa: NPY002  what the host may use
        "random of Python": random.getstate(),
        "random of torch": torch.get_rng_state().tolist(),
        "absent modules": [name for name, module in sys.modules.items() if module is None],
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "warnings": (warnings.filters[:], warnings.showwarning),
    }


def changes(folder: str) -> list[str]:
    """Use the zoo, and list what is not as it was; loggers of libraries imported on the way do not count."""
    picture, sound = zoo.sample("cat.png"), zoo.sample("bicycle-bell.wav")
    before = settings()
    net = zoo.load("squeezenet", device="cpu")
    net.classify(picture)
    net.embed(picture)
    net.explain(picture)
    zoo.export(net, f"{folder}/squeezenet.onnx")
    zoo.sound_events(sound, network="yamnet")
    zoo.pitch(sound, network="crepe.tiny")
    after = settings()
    after["loggers"] = {name: after["loggers"][name] for name in before["loggers"]}
    return [name for name in before if before[name] != after[name]]


def test_nothing_of_the_host_changes(tmp_path):
    """In a process and with a cache where nothing has been exported yet."""
    for name in ("squeezenet", "yamnet", "crepe.tiny"):
        weights.fetch(name)
    for folder in ("weights", "samples"):
        (tmp_path / folder).symlink_to(weights.cache_folder() / folder)
    program = (
        "import json, sys; from tests.zoo.test_side_effects import changes; "
        "print(json.dumps(changes(sys.argv[1])))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        cwd=ROOT,
        env=os.environ | {"ZOO_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []
    assert len(list((tmp_path / "engines").glob("*.onnx"))) == 2
