"""The frequency domain: convolutions as products of spectra, for networks whose record names such a form."""

import threading
from collections.abc import Callable, Sequence

import torch
from torch import nn

from zoo.inference.engines import Engine
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.engines.rows import by_rows
from zoo.inference.engines.snapshot import ModuleFingerprint

TOLERANCE = 1e-4  # of the outputs' scale: float32 sums in another order
_ROWS = 8  # for a thread: with fewer, reading the spectra takes longer than multiplying by them
Form = Callable[[torch.Tensor], torch.Tensor]


class FFTEngine(Engine):
    """Runs another form of the module, derived from its parameters when first used and when they change.

    What that form does not give, layers and other shapes, PyTorch does; and everything, where a changed
    module has no such form any more.

    Parameters
    ----------
    eager : PyTorch
        On the CPU in float32.
    shape : tuple of int
        Of the input without the batch axis.
    derive : callable
        Module -> function from batches to outputs.
    """

    name = "fft"

    def __init__(self, eager: PyTorch, shape: tuple[int, ...], derive: Callable[[nn.Module], Form]):
        self.eager, self.shape, self._derive = eager, tuple(shape), derive
        self._form: Form | None = None
        self._derived: ModuleFingerprint | None = None
        self._lock = threading.Lock()

    def __call__(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        form = None if layers or tuple(data.shape[1:]) != self.shape else self._current()
        if form is None:
            return self.eager(data, layers)

        def run(rows: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():  # which is a thread's own
                return form(rows)

        return torch.cat(by_rows(run, data, least=_ROWS)), {}

    def _current(self) -> Form | None:
        """Return the form of the module as it is now."""
        with self._lock:
            if not (self._derived and self._derived.holds()):
                self._derived = ModuleFingerprint(self.eager.module)
                self._form = self._checked()
            return self._form

    def _checked(self) -> Form | None:
        """Return the form, once its outputs match the module's; None if they differ or it cannot be built."""
        data = torch.randn(2, *self.shape, generator=torch.Generator().manual_seed(0))
        expected, _ = self.eager(data)
        try:
            with torch.inference_mode():
                form = self._derive(self.eager.module)
                outputs = form(data)
        except (AttributeError, RuntimeError, TypeError, ValueError):  # of a module of another build
            return None
        close = torch.allclose(outputs, expected, rtol=0, atol=TOLERANCE * float(expected.abs().max()))
        return form if close else None
