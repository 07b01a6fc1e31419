"""CREPE's forward pass in the frequency domain: the same function of the same parameters, in fewer products.

A convolution of 64 taps takes 64 products a position. Between a Fourier transform, long enough that no end
wraps round onto another, and its inverse, it takes one complex product a bin (Mathieu, Henaff and LeCun: Fast
Training of Convolutional Networks through FFTs, ICLR 2014, arXiv:1312.5851). Transforms this short are matrix
products themselves, which lets positions come first and channels last throughout: nothing is transposed.

The first layer's 512 taps at a stride of 4 are 128 taps on four interleaved channels. To transform all its
256 positions back for 1024 channels would cost what it saves, so taps and positions are cut into pieces of
32, whose products are added up as spectra of 64 points.

Batch norm follows the rectifier. Its scale s goes into the kernel: s · max(a, 0) is max(s · a, 0) for s > 0
and min(s · a, 0) for s < 0. Both grow with s · a, so pooling may come before them. Its shift goes into the
next layer's bias, which then depends on the position, for the zeros that are padded are not shifted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import conv1d, pad

from zoo.audio.crepe import CREPE

_POSITIONS = (128, 64, 32, 16, 8)  # that layers 2 to 6 take
_BEFORE, _AFTER = 31, 32  # zeros that are padded: how far 64 taps reach
_PIECE = 32  # taps, and positions, of a piece of the first layer
_TILES = 256 // _PIECE
_GROUP = 128  # channels of the first layer at a time, so that they stay in the processor's cache


class CREPEFFT:
    """The logits of a `CREPE` as it is now, on the CPU in float32.

    Parameters
    ----------
    module : CREPE
        Its kernels are copied as spectra, which take 118 MB for the full capacity.
    """

    def __init__(self, module: CREPE):
        first, *others = (_Block.of(module.get_submodule(f"block{i}")) for i in range(1, 7))
        self._first = _First(first)
        shift = first.shift + first.bias
        self._layers = []
        for block, positions in zip(others, _POSITIONS, strict=True):
            self._layers.append(_Layer(block, positions, shift))
            shift = block.shift
        weight, bias = (tensor.detach() for tensor in (module.classifier.weight, module.classifier.bias))
        self._weight = weight.T.contiguous()
        self._bias = (bias + weight.double() @ shift.repeat(4)).float()

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Compute logits (n, 360) of normalized frames (n, 1024)."""
        second, *others = self._layers
        x = second(self._first(frames), len(frames))
        for layer in others:
            x = layer([x], len(frames))
        return torch.addmm(self._bias, x.transpose(0, 1).flatten(1), self._weight)


@dataclass(frozen=True, eq=False)
class _Block:
    """What a block of `CREPE` computes: clamp(pool(convolution + bias), low, high) + shift.

    Attributes
    ----------
    kernel : Tensor of float64, shape (out, in, taps)
    bias, low, high, shift : Tensor of float64, shape (out,)
    """

    kernel: torch.Tensor
    bias: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    shift: torch.Tensor

    @classmethod
    def of(cls, block: nn.Module) -> "_Block":
        norm, conv = block.get_submodule("norm"), block.get_submodule("conv")
        if not isinstance(norm, nn.BatchNorm1d) or not isinstance(conv, nn.Conv1d):
            raise TypeError("a block has no batch normalization after its convolution")
        if norm.running_var is None or norm.running_mean is None or conv.bias is None:
            raise TypeError("a block has no running statistics, or no bias")
        scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
        zero, endless = torch.zeros_like(scale), torch.full_like(scale, torch.inf)
        return cls(
            kernel=conv.weight.detach() * scale[:, None, None],
            bias=conv.bias.detach() * scale,
            low=torch.where(scale >= 0, zero, -endless),
            high=torch.where(scale >= 0, endless, zero),
            shift=norm.bias.detach() - norm.running_mean * scale,
        )


class _First:
    """The first block, without the shift and the bias, which is added to the limits instead."""

    def __init__(self, block: _Block):
        size = 2 * _PIECE
        kernel = block.kernel.reshape(len(block.kernel), -1, _PIECE, 4).permute(1, 3, 0, 2)
        self._pieces = len(kernel)
        spectrum = torch.fft.rfft(kernel, n=size).conj().movedim(-1, 0)  # (bins, pieces, 4, out)
        real, imaginary = spectrum.real, spectrum.imag
        kernels = torch.cat(
            [
                torch.stack([real, -imaginary], dim=2),
                torch.stack([imaginary, real], dim=2)[1:-1],  # nothing is imaginary in the outer bins
            ]
        ).flatten(1, 3)
        self._groups = [
            (part.float().contiguous(), low.float(), high.float())
            for part, low, high in zip(
                kernels.split(_GROUP, dim=2),
                (block.low - block.bias).split(_GROUP),
                (block.high - block.bias).split(_GROUP),
                strict=True,
            )
        ]
        self._forward = _transform(torch.arange(size - 1), size).float()
        real, imaginary = _inverse(torch.arange(_PIECE), size)
        self._inverse = torch.cat([real, imaginary[:, 1:-1]], dim=1).float()

    def __call__(self, frames: torch.Tensor) -> Iterator[torch.Tensor]:
        """Frames (n, 1024) -> for each group of channels its outputs (128, n, group), ordered as `_ORDER`."""
        spectrum = self._spectrum(frames)
        for kernel, low, high in self._groups:
            x = self._inverse @ torch.bmm(spectrum, kernel).flatten(1)
            x = torch.maximum(x[0::2], x[1::2]).view(-1, len(low)).clamp_(low, high)
            yield x.view(_POSITIONS[0], len(frames), -1)

    def _spectrum(self, frames: torch.Tensor) -> torch.Tensor:
        """Transform each tile of positions, shape (real and imaginary bins, tiles · n, pieces · 2 · 4)."""
        starts, n = _TILES + self._pieces - 1, len(frames)
        padded = pad(frames, (254, 254))
        segments = padded.as_strided((2 * _PIECE - 1, starts, n, 4), (4, 4 * _PIECE, padded.shape[1], 1))
        spectrum = (self._forward @ segments.flatten(1)).view(-1, 2, starts, n, 4)
        tiles = (
            spectrum.unfold(2, self._pieces, 1)
            .permute(0, 2, 3, 5, 1, 4)
            .reshape(len(spectrum), _TILES * n, -1)
        )
        return torch.cat([tiles, tiles[1:-1]])


# Positions of the first layer's outputs, which come tile by tile within the place in a tile.
_ORDER = torch.arange(_POSITIONS[0]).view(_TILES, -1).T.flatten()


class _Layer:
    """One of the blocks 2 to 6, without its shift, and with that of the block before.

    Parameters
    ----------
    block : _Block
    positions : int
    shift : Tensor of float64, shape (in,)
    """

    def __init__(self, block: _Block, positions: int, shift: torch.Tensor):
        size = positions + min(_AFTER, positions - 1)
        size += size % 2
        offsets = torch.arange(-_BEFORE, _AFTER + 1)
        within = offsets.abs() < positions
        kernel = block.kernel.permute(2, 1, 0)
        placed = kernel.new_zeros(size, *kernel.shape[1:])
        placed[offsets[within] % size] = kernel[within]
        spectrum = torch.fft.rfft(placed, dim=0).conj()  # (bins, in, out)
        self._kernels = tuple(part.float().contiguous() for part in (spectrum.real, spectrum.imag))
        order = _ORDER if positions == len(_ORDER) else torch.arange(positions)
        self._forward = _transform(order, size).float()
        real, imaginary = _inverse(torch.arange(positions), size)
        by_real = torch.stack([real, imaginary], dim=2).flatten(1)
        by_imaginary = torch.stack([imaginary, -real], dim=2).flatten(1)
        self._inverse = torch.cat([by_real, by_imaginary], dim=1).float()
        constant = pad(shift[:, None].expand(-1, positions), (_BEFORE, _AFTER))
        self._bias = conv1d(constant, block.kernel, block.bias).T[:, None].float()
        self._low, self._high = block.low.float(), block.high.float()

    def __call__(self, groups: Iterable[torch.Tensor], n: int) -> torch.Tensor:
        """Compute (positions / 2, n, out) from groups of channels (positions, n, group)."""
        bins, _, out = self._kernels[0].shape
        products = self._bias.new_zeros(2, bins, 2 * n, out)
        first = 0
        for x in groups:
            spectrum = (self._forward @ x.flatten(1)).view(bins, 2 * n, -1)
            last = first + x.shape[2]
            for product, kernel in zip(products, self._kernels, strict=True):
                product.baddbmm_(spectrum, kernel[:, first:last])
            first = last
        x = (self._inverse @ products.view(4 * bins, -1)).view(-1, n, out).add_(self._bias)
        return torch.maximum(x[0::2], x[1::2]).clamp_(self._low, self._high)


def _transform(positions: torch.Tensor, size: int) -> torch.Tensor:
    """Matrix from positions to the real and the imaginary part of each bin, shape (bins · 2, positions)."""
    angle = 2 * torch.pi / size * torch.outer(torch.arange(size // 2 + 1), positions).double()
    return torch.stack([angle.cos(), -angle.sin()], dim=1).flatten(0, 1)


def _inverse(positions: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices from the real and from the imaginary parts of bins to positions, shape (positions, bins)."""
    bins = torch.arange(size // 2 + 1)
    angle = 2 * torch.pi / size * torch.outer(positions, bins).double()
    weight = torch.where((bins == 0) | (bins == size // 2), 1.0, 2.0) / size
    return weight * angle.cos(), -weight * angle.sin()
