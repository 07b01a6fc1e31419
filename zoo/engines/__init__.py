"""How a forward pass is run: by PyTorch, by ONNX Runtime, or in the frequency domain."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from zoo.errors import InputError, UnknownNameError

ENGINES = ("auto", "torch", "onnxruntime", "spectral")
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
        """Outputs of the network, and of some of its layers, for a preprocessed batch.

        Parameters
        ----------
        data : Tensor of float32, shape (n, ...)
        layers : sequence of str
            Names of layers, or ``"input of <layer>"``.
        """


def choose(engine: str, device: torch.device, dtype: str, modality: str, spectral: str = "") -> str:
    """Which engine runs a network: the one asked for, or by rule.

    The rule, on a CPU in fp32: the frequency domain for networks that have such a form, where it was the
    fastest for every capacity of CREPE and every batch (``benchmarks/sound.py``); ONNX Runtime for pictures,
    where it was 1.8 to 6.1 times as fast as PyTorch for every network that was measured
    (``benchmarks/image.py``). PyTorch for everything else.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    device : torch.device
    dtype : str
        Key of `DTYPES`.
    modality, spectral : str
        Of the network's record.

    Raises
    ------
    UnknownNameError
        If there is no such engine or dtype.
    InputError
        If the engine does not do what is asked.
    """
    if engine not in ENGINES:
        raise UnknownNameError(f"There is no engine {engine!r}; choose one of {', '.join(ENGINES)}.")
    if dtype not in DTYPES:
        raise UnknownNameError(f"There is no dtype {dtype!r}; choose one of {', '.join(DTYPES)}.")
    suits = device.type == "cpu" and dtype == "fp32"
    if engine in ("onnxruntime", "spectral") and not suits:
        raise InputError(f"The engine {engine} runs on the CPU in fp32 here, not on {device} in {dtype}.")
    if engine == "spectral" and not spectral:
        raise InputError("This network has no form in the frequency domain; choose another engine.")
    if engine == "auto" and suits and spectral:
        return "spectral"
    if engine == "auto":
        return "onnxruntime" if suits and modality == "picture" else "torch"
    return engine
