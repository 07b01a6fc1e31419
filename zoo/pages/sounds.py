"""Which sounds are heard when?"""

from dataclasses import replace

import numpy as np
import streamlit as st

import zoo
from audio.signal import read_mono
from zoo import figures
from zoo.pages import shared
from zoo.pages.shared import RATE, Given, one_sentence, title_of
from zoo.verbs import relocate


def listen(name: str, given: Given) -> tuple[np.ndarray, zoo.SoundEvents]:
    """Samples and everything that was heard, whatever the threshold."""
    samples = read_mono(shared.named(given), RATE, most=shared.MOST_SECONDS)
    with shared.listening(name, samples) as progress:
        heard = zoo.sound_events(samples, rate=RATE, network=shared.network(name), progress=progress)
    return samples, replace(heard, input=given.name, clip=replace(heard.clip, input=given.name))


st.title("Sounds")
st.markdown("Upload a recording, make one, or try the sample, and see which sounds are heard when.")
with one_sentence():
    recordings = shared.ask("sound", "sounds")
    left, right = st.columns([1, 2])
    name = left.selectbox("Network", zoo.networks(task="events"), format_func=title_of, key="sounds-network")
    threshold = right.slider("Threshold", 0.05, 0.95, 0.35, 0.05, key="sounds-threshold")
    labels = [label.label for label in shared.network(name).labels]
    left, right = st.columns(2)
    include = left.multiselect("Only these sounds", labels, key="sounds-include")
    exclude = right.multiselect("Not these sounds", labels, key="sounds-exclude")
    for given in recordings:
        samples, everything = shared.remembered(listen, name, given)
        heard = relocate(
            everything, shared.network(name), threshold=threshold, include=include, exclude=exclude
        )
        shared.player(samples)
        best = zip(heard.clip.labels, heard.clip.scores, strict=True)
        st.markdown("**On the whole:** " + ", ".join(f"{label} {score:.2f}" for label, score in best))
        st.plotly_chart(
            figures.sound_events(samples, RATE, heard),
            key="sounds-figure",
            alt=f"Waveform, spectrogram and events of {given.name}",
        )
        if heard.events:
            st.dataframe(
                heard.table(),
                hide_index=True,
                column_config={
                    "start": st.column_config.NumberColumn("start (s)", format="%.2f"),
                    "end": st.column_config.NumberColumn("end (s)", format="%.2f"),
                    "score": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f"),
                },
            )
        else:
            st.info("No sound reaches the threshold; a lower one shows fainter guesses.")
        shared.downloads("events", heard.table(), heard.to_dict(), "sounds")
        st.caption(
            "Scores are independent of each other and not calibrated across classes: "
            "compare a class with itself over time, not with another."
        )
