"""The recording that a result was computed from, as a player for notebooks."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.core.errors import ZooError

_MAX_SECONDS = 300  # as FLAC at `_SAMPLE_RATE` about 8 MB, which the notebook stores
_SAMPLE_RATE = 24000  # Hz: keeps what speech and most music have, at half the size of 48000


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording that can be opened again.

    Attributes
    ----------
    source : path, bytes, array or tensor
        An array is not copied.
    sample_rate : float or None
        Of an array, in Hz.
    """

    source: Any = field(repr=False)
    sample_rate: float | None = None

    @classmethod
    def of(cls, x: Any, sample_rate: float | None = None) -> Recording | None:
        """Return the recording of an input, or None for a stream, which can be read only once, and a URL."""
        from zoo.core.paths import STDIN, is_url

        if hasattr(x, "read") or is_url(x) or (isinstance(x, str) and x == STDIN):
            return None
        return cls(Path(x) if isinstance(x, os.PathLike) else x, sample_rate)

    def player(self) -> str:
        """Return an HTML player of the mean of the channels; empty if the file has moved or is too long."""
        import numpy as np
        import soundfile

        from zoo.audio.signal import mono, open_sound

        try:
            sound = open_sound(self.source, self.sample_rate, max_duration=_MAX_SECONDS)
            samples = np.concatenate(list(mono(sound, _SAMPLE_RATE)))
        except ZooError:
            return ""
        file = io.BytesIO()
        soundfile.write(file, samples.clip(-1, 1), _SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        content = base64.b64encode(file.getvalue()).decode()
        return (
            '<audio controls style="display:block;width:100%;max-width:640px;margin:4px 0" '
            f'src="data:audio/flac;base64,{content}"></audio>'
        )
