"""How a forward pass is run: by PyTorch, by ONNX Runtime, or in the frequency domain."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from zoo.core.errors import InputError
from zoo.core.spec import Spec
from zoo.core.validation import choice

ENGINES = ("auto", "torch", "onnxruntime", "fft")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Engine(ABC):
    """Runs one network's forward pass.

    Attributes
    ----------
    name : str
        One of `ENGINES`, never ``"auto"``.
    """

    name: str

    @abstractmethod
    def __call__(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Compute outputs of the network, and of some of its layers, for a preprocessed batch.

        Parameters
        ----------
        data : Tensor of float32, shape (n, ...)
        layers : sequence of str
            Names of layers, or ``"input of <layer>"``.
        """


def choose(engine: str, device: torch.device, dtype: str, spec: Spec) -> str:
    """Which engine runs a network: the one asked for, or by rule.

    The rule, on a CPU in fp32: the frequency domain for networks that have such a form, where it was the
    fastest for every capacity of CREPE and every batch (``benchmarks/sound.py``); ONNX Runtime for pictures,
    where it was 1.8 to 6.1 times as fast as PyTorch for every network that was measured
    (``benchmarks/image.py``), and for the catalog's own networks of sound: YAMNet 2.8 to 3.7 times, VGGish
    1.3 to 1.7, OpenL3 1.4 to 2.1, on one thread, batches of 1 to 64 (``benchmarks/sound.py``). PyTorch for
    everything else: checkpoints of Hugging Face take windows of any length, and a graph has one.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    device : torch.device
    dtype : str
        Key of `DTYPES`.
    spec : Spec
        The network's record.

    Raises
    ------
    InputError
        If the engine or dtype is unknown, or the engine does not do what is asked.
    """
    choice("engine", engine, ENGINES)
    choice("dtype", dtype, DTYPES)
    suits = device.type == "cpu" and dtype == "fp32"
    if engine in ("onnxruntime", "fft") and not suits:
        raise InputError(f"The engine {engine} runs on the CPU in fp32 here, not on {device} in {dtype}.")
    if engine == "fft" and not spec.fft_builder:
        raise InputError("This network has no form in the frequency domain; choose another engine.")
    if engine != "auto":
        return engine
    if suits and spec.fft_builder:
        return "fft"
    ours = ":" not in spec.name  # of the catalog, not a name of some other collection
    return "onnxruntime" if suits and (spec.modality == "image" or ours) else "torch"
