"""Seeds of pictures and sounds: small files of every kind that the decoders take."""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzz.cases import Files

RATE = 16000


def pictures(kind: str) -> list[Files]:
    """Pictures of a format of Pillow's, by what the format can do."""
    return [{"image": _saved(image, kind, options)} for image, options in _PICTURES[kind]()]


def _saved(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _noise(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    random = np.random.default_rng(0)
    values = random.integers(0, 256, (size[1], size[0], 4), np.uint8)
    image = Image.fromarray(values)
    if mode == "I;16":
        return Image.fromarray(values.view(np.uint16)[..., 0].copy())
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def _jpeg() -> list[tuple[Image.Image, dict[str, Any]]]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        (_noise(), {"exif": exif, "comment": b"seed"}),
        (_noise(), {"progressive": True, "subsampling": 0}),
        (_noise("L"), {"restart_marker_blocks": 2}),
        (_noise("CMYK"), {"icc_profile": _profile()}),
        (_noise(), {"qtables": "web_low", "optimize": True, "dpi": (72, 72)}),
    ]


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _png() -> list[tuple[Image.Image, dict[str, Any]]]:
    frames = [_noise("RGBA", (40, 30)).rotate(90 * i) for i in range(3)]
    return [
        (_noise(), {"icc_profile": _profile()}),
        (_noise("RGBA"), {}),
        (_noise("P"), {"transparency": 3}),
        (_noise("1"), {}),
        (_noise("LA"), {}),
        (_noise("I;16"), {}),
        (frames[0], {"save_all": True, "append_images": frames[1:], "duration": 100}),
    ]


def _webp() -> list[tuple[Image.Image, dict[str, Any]]]:
    frames = [_noise("RGBA").rotate(90 * i) for i in range(3)]
    return [
        (_noise(), {"quality": 50}),
        (_noise("RGBA"), {"lossless": True}),
        (_noise("RGBA"), {"quality": 30, "icc_profile": _profile(), "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
        (frames[0], {"save_all": True, "append_images": frames[1:]}),
    ]


def _bmp() -> list[tuple[Image.Image, dict[str, Any]]]:
    return [(_noise(mode), {}) for mode in ("RGB", "RGBA", "P", "L", "1")]


def _tiff() -> list[tuple[Image.Image, dict[str, Any]]]:
    packed = [(_noise(), {"compression": kind}) for kind in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")]
    modes = [(_noise(mode), {}) for mode in ("RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F", "P")]
    pages = (_noise(), {"save_all": True, "append_images": [_noise("L")]})
    return [*packed, *modes, (_noise("1"), {"compression": "group4"}), pages, (_noise(), {"big_tiff": True})]


def _gif() -> list[tuple[Image.Image, dict[str, Any]]]:
    frames = [_noise("P").rotate(90 * i) for i in range(3)]
    return [
        (_noise("P"), {}),
        (_noise("L"), {"transparency": 7, "comment": b"seed"}),
        (frames[0], {"save_all": True, "append_images": frames[1:], "loop": 0}),
        (_noise("P"), {"interlace": 0}),
    ]


_PICTURES = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "BMP": _bmp, "TIFF": _tiff, "GIF": _gif}


def _tones(seconds: float = 0.4, channels: int = 1) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * 220 * (i + 1) * time) for i in range(channels)], axis=1)


def sounds(kind: str, *subtypes: str) -> list[Files]:
    """Make recordings that libsndfile writes."""
    import soundfile

    files = []
    for subtype in subtypes:
        for channels in (1, 2):
            stream = io.BytesIO()
            soundfile.write(stream, _tones(channels=channels), RATE, format=kind, subtype=subtype)
            files.append({"audio": stream.getvalue()})
    return files


def encoded(container: str, codec: str, sample_rate: int = RATE) -> list[Files]:
    """Make recordings that FFmpeg writes."""
    import av

    files = []
    for layout in ("mono", "stereo"):
        stream = io.BytesIO()
        with av.open(stream, "w", format=container, options={"fflags": "+bitexact"}) as opened:
            track = opened.add_stream(codec, rate=sample_rate, layout=layout)
            samples = _tones(channels=2 if layout == "stereo" else 1).T.astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            frame.sample_rate = RATE
            resampler = av.AudioResampler(
                format=track.format, layout=layout, rate=sample_rate, frame_size=track.frame_size
            )
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                opened.mux(track.encode(part))
            opened.mux(track.encode(None))
        files.append({"audio": stream.getvalue()})
    return files


def wav() -> list[Files]:
    """WAV, with one of a chunk that other programs write."""
    files = sounds("WAV", "PCM_16", "PCM_24", "FLOAT", "ULAW", "MS_ADPCM")
    plain = files[0]["audio"]
    tag = b"LIST" + struct.pack("<I", 16) + b"INFOINAM\x04\0\0\0seed"
    body = plain[8:12] + tag + plain[12:]
    return [*files, {"audio": plain[:4] + struct.pack("<I", len(body)) + body}, *sounds("WAVEX", "PCM_16")]
