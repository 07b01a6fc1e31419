"""Which pitch does a melody or voice have over time?"""

from dataclasses import replace

import numpy as np
import streamlit as st

import zoo
from audio.pitch import DECODERS
from audio.signal import read_mono
from zoo import figures
from zoo.pages import shared
from zoo.pages.shared import RATE, Given, one_sentence, title_of


def follow(name: str, decoder: str, given: Given) -> tuple[np.ndarray, zoo.PitchTrack]:
    """Samples and the track before any gate."""
    samples = read_mono(shared.named(given), RATE, most=shared.MOST_SECONDS)
    with shared.listening(name, samples) as progress:
        track = zoo.pitch(
            samples,
            rate=RATE,
            network=shared.network(name),
            decoder=decoder,
            threshold=0,
            silence=None,
            progress=progress,
        )
    return samples, replace(track, input=given.name)


st.title("Pitch")
st.markdown("Upload a melody that plays one note at a time, sing one, or try the sample, and see its pitch.")
with one_sentence():
    recordings = shared.ask("melody", "pitch")
    columns = st.columns(4)
    names = zoo.networks(task="pitch")
    name = columns[0].selectbox(
        "Capacity",
        names,
        names.index("crepe.small"),
        format_func=title_of,
        key="pitch-network",
        help="Larger ones are surer and slower.",
    )
    decoder = columns[1].selectbox(
        "Decoder", DECODERS, key="pitch-decoder", help="viterbi finds the smoothest path through all frames."
    )
    threshold = columns[2].slider(
        "Confidence", 0.0, 1.0, 0.5, 0.05, key="pitch-threshold", help="Less sure frames are unvoiced."
    )
    silence = columns[3].slider(
        "Silence (dB)", -90, -20, -60, 5, key="pitch-silence", help="Quieter frames are unvoiced."
    )
    for given in recordings:
        samples, everything = shared.remembered(follow, name, decoder, given)
        track = everything.gated(threshold=threshold, silence=silence)
        shared.player(samples)
        if track.voiced.any():
            middle = float(np.nanmedian(track.frequency))
            for column, (label, value) in zip(
                st.columns(4),
                {
                    "Median": f"{middle:.1f} Hz",
                    "Lowest": f"{np.nanmin(track.frequency):.1f} Hz",
                    "Highest": f"{np.nanmax(track.frequency):.1f} Hz",
                    "Voiced": f"{track.voiced.mean():.0%}",
                }.items(),
                strict=True,
            ):
                column.metric(label, value)
        else:
            st.info("No frame is voiced; lower the confidence or the silence level to see more.")
        st.plotly_chart(
            figures.pitch(samples, RATE, track), key="pitch-figure", alt=f"Pitch of {given.name} over time"
        )
        shared.downloads("pitch", track.table(), track.to_dict(), "pitch")
