"""A record of provenance for tests that run no network."""

from msgspec.structs import replace

from zoo.results.provenance import Canary, Provenance

PROVENANCE = Provenance(
    task="embed",
    network="net",
    title="A network",
    architecture="builder",
    weights="a" * 64,
    preprocessing={"type": "log_mel_patches", "framing": {"hop": 7680, "pad": True}, "mean": [0.5, 0.25]},
    options={"layer": "layer", "pool": True, "mean": False, "overlap": None},
    engine="torch",
    dtype="fp32",
    device="cpu",
    versions={"zoo": "0.1.0", "torch": "2.11.0"},
    license="MIT",
    date="2026-11-28T12:00:00+00:00",
    canary=Canary(
        recipe="sound",
        version=1,
        sha256="b" * 64,
        width=2,
        vectors=((1.0, 0.5), (0.25, 0.0), (0.0, 1.0)),
    ),
)


def with_vectors(*vectors, **changes) -> Provenance:
    """The record with other vectors of its canaries."""
    return replace(PROVENANCE, canary=replace(PROVENANCE.canary, vectors=vectors, **changes))
