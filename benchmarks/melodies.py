"""Melodies whose fundamental frequency is known at every sample, and noise to hide them in."""

from dataclasses import dataclass

import numpy as np

RATE = 16000  # Hz, that of CREPE: resampling does not matter here
STEP = 160  # samples from one stated pitch to the next: 10 ms
LOWEST, HIGHEST = 34.0, 1900.0  # Hz


@dataclass(frozen=True)
class Timbre:
    """How strong the partials of a tone are, and where.

    Attributes
    ----------
    fall : float
        Partial k has the amplitude k^-fall, which is 6 dB an octave for each 1.
    stiffness : float
        Partial k lies at k · sqrt(1 + stiffness · k²) times the frequency of an ideal string, as those of
        real ones do: a piano's is around 4e-4 in the middle. The first partial counts as the fundamental.
    even : float
        Amplitude of even partials relative to that; a clarinet has few.
    decay : float
        Seconds after which the tone has fallen to 1/e; 0: it is held.
    """

    fall: float
    stiffness: float = 0.0
    even: float = 1.0
    decay: float = 0.0


TIMBRES = (
    Timbre(1.0, stiffness=5e-5),  # bowed
    Timbre(1.5, stiffness=4e-4, decay=0.5),  # struck
    Timbre(1.2, even=0.2),  # reed
    Timbre(2.5),  # flute
    Timbre(0.7),  # brass, voice
)


@dataclass(frozen=True)
class Melody:
    """Sound and truth.

    Attributes
    ----------
    sound : ndarray of float32, shape (samples,)
        At 16 kHz.
    frequency : ndarray, shape (frames,)
        In Hz at every 10 ms, beginning at 0; 0 where nothing sounds.
    """

    sound: np.ndarray
    frequency: np.ndarray


def melody(phrases: int, seed: int, *, seconds: float = 3.0) -> Melody:
    """Phrases in registers from the lowest to the highest, each with a rest, a glide and vibrato.

    Notes follow each other at once, after a slide or after a rest; half of them tremble.

    Parameters
    ----------
    phrases : int
    seed : int
    seconds : float
        That a phrase lasts.
    """
    rng = np.random.default_rng(seed)
    centers = np.geomspace(LOWEST * 2**0.25, HIGHEST / 2**0.25, phrases)
    parts = [_phrase(center, int(seconds * RATE), rng) for center in centers]
    sound, frequency = (np.concatenate(column) for column in zip(*parts, strict=True))
    sound = np.append(sound, 0.0).astype(np.float32)  # so that there is a last frame at the very end
    return Melody(sound, np.append(frequency, 0.0)[::STEP])


def hidden(tune: Melody, color: str, decibels: float, seed: int) -> np.ndarray:
    """Mix the sound of a melody with noise.

    Parameters
    ----------
    tune : Melody
    color : {"white", "pink"}
        Equal power in every Hz, or in every octave from 20 Hz on.
    decibels : float
        Mean power of the tones, rests apart, over that of the noise.
    seed : int

    Returns
    -------
    ndarray of float32, shape (samples,)
    """
    noise = np.random.default_rng(seed).standard_normal(len(tune.sound))
    if color == "pink":
        spectrum = np.fft.rfft(noise)
        spectrum /= np.sqrt(np.fft.rfftfreq(len(noise), 1 / RATE).clip(min=20))
        noise = np.fft.irfft(spectrum, len(noise))
    voiced = np.repeat(tune.frequency > 0, STEP)[: len(tune.sound)]
    power = np.mean(tune.sound[voiced] ** 2) / 10 ** (decibels / 10)
    return (tune.sound + noise * np.sqrt(power / np.mean(noise**2))).astype(np.float32)


def _phrase(center: float, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sound and frequency, 0 in rests, each of shape (length,), of notes around a pitch in Hz."""
    sounds, frequencies, remaining = [], [], length
    semitone, before, glides = 0, None, int(rng.integers(1, 4))
    while remaining:
        n = min(int(rng.uniform(0.25, 0.7) * RATE), remaining)
        pitch = np.full(n, center * 2 ** (semitone / 12))
        if len(sounds) == glides:
            pitch *= 2 ** (rng.choice([-1, 1]) * np.linspace(0, rng.uniform(0.3, 1), n))
        elif rng.random() < 0.5:
            depth, speed = rng.uniform(20, 80) / 1200, rng.uniform(4.5, 6.5)
            pitch *= 2 ** (depth * np.sin(2 * np.pi * speed * np.arange(n) / RATE))
        if before is not None and rng.random() < 0.3:  # slides from the last note
            slide = np.clip(np.arange(n) / (0.08 * RATE), 0, 1)
            pitch = before ** (1 - slide) * pitch**slide
        pitch = pitch.clip(LOWEST, HIGHEST)
        sounds.append(_tone(pitch, TIMBRES[rng.integers(len(TIMBRES))], rng))
        frequencies.append(pitch)
        remaining -= n
        before = pitch[-1]
        if rng.random() < 0.3 or len(sounds) == 2:
            rest = min(int(rng.uniform(0.1, 0.3) * RATE), remaining)
            sounds.append(np.zeros(rest))
            frequencies.append(np.zeros(rest))
            remaining -= rest
            before = None
        semitone = int(np.clip(semitone + rng.choice([-7, -5, -4, -2, -1, 1, 2, 3, 5, 7, 12]), -9, 9))
    return np.concatenate(sounds), np.concatenate(frequencies)


def _tone(pitch: np.ndarray, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Synthesize a tone of a given frequency in Hz at each sample, of mean power 0.01 before it decays."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    time = np.arange(len(pitch)) / RATE
    sound = np.zeros(len(pitch))
    k = 1
    while (place := k * np.sqrt((1 + timbre.stiffness * k**2) / (1 + timbre.stiffness))) * pitch.max() < 7500:
        strength = k**-timbre.fall * (timbre.even if k % 2 == 0 else 1) * 10 ** (rng.normal(0, 3) / 20)
        sound += strength * np.sin(place * phase + rng.uniform(0, 2 * np.pi))
        k += 1
    sound *= 0.1 / np.sqrt(np.mean(sound**2))
    if timbre.decay:
        sound *= np.exp(-time / timbre.decay)
    return sound * np.minimum(1, np.minimum(time, time[-1] - time) / 0.01)
