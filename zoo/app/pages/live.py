"""The microphone in real time: classes of sounds, and pitch as on a tuner."""

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import av
import numpy as np
import streamlit as st
import streamlit_webrtc
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext
from streamlit_webrtc.component import generate_frontend_component_key
from streamlit_webrtc.native_webrtc import NativeAudioWorker
from streamlit_webrtc.webrtc import SignallingTimeoutError, WebRtcWorker

from zoo.app import state
from zoo.app.components import microphone, network_picker, widgets
from zoo.app.components.network_picker import Choice
from zoo.app.components.svg import drawing
from zoo.app.live import svg
from zoo.app.live.analyzers import PitchAnalyzer, SoundAnalyzer, Sounds, TunerReading, tone_of
from zoo.app.live.ice import ice_servers
from zoo.app.live.offers import is_offer
from zoo.app.live.session import Listener, SessionSlot, Snapshot
from zoo.app.services import offered_networks
from zoo.app.state import one_sentence, with_size
from zoo.core.errors import InputError, ZooError
from zoo.results import PitchTrack

EVERY = 0.25  # s between two updates of the figures
STREAM = "live-stream"
LATE = 5.0  # s without sound, after which the page shows a warning
SENSES = {"sounds": SoundAnalyzer, "pitch": PitchAnalyzer}


def slot() -> SessionSlot:
    """Return the slot of this session, which it leaves when the session ends."""
    if "live-slot" not in st.session_state:
        own = st.session_state["live-slot"] = SessionSlot(state.live_limiter())
        state.workspace().at_end(own.leave)
    return st.session_state["live-slot"]


def samples_of(frame: av.AudioFrame) -> np.ndarray:
    """Return the samples of a frame, shape (channels, n)."""
    samples = frame.to_ndarray()
    return samples if frame.format.is_planar else samples.reshape(-1, len(frame.layout.channels)).T


def choose() -> tuple[dict[str, Choice], float]:
    """Choose the networks by what they detect, and the frequency of A4."""
    kinds = {kind: kind.capitalize() for kind in SENSES}
    selected = widgets.pills(st, "Listen for", kinds, list(kinds), key="live-for", joined=True)
    with st.expander("Networks and tuning", icon=":material/tune:"):
        left, middle, right = st.columns(3)
        offered = offered_networks.networks("audio", "classify")  # Live shows scores of several classes
        usual, *others = [name for name in offered_networks.networks(task="events") if name in offered]
        hearing = [*state.trained_networks("audio"), usual, *others]
        sounds = widgets.selectbox(left, "Network for sounds", with_size(hearing), usual, key="live-sounds")
        following = offered_networks.networks(task="pitch")
        pitch = widgets.selectbox(
            middle,
            "Network for pitch",
            with_size(following),
            "crepe.tiny",
            key="live-pitch",
            help="Larger networks are more accurate and slower; one too slow for this machine skips sound.",
        )
        a4 = widgets.number_input(
            right,
            "A4 (Hz)",
            400.0,
            480.0,
            440.0,
            0.5,
            format="%.1f",
            key="live-a4",
            help="What the instruments are tuned to.",
        )
    selection = {
        "sounds": Choice("live-sounds", sounds, hearing),
        "pitch": Choice("live-pitch", pitch, following),
    }
    return {kind: choice for kind, choice in selection.items() if kind in selected}, a4


def warm_up(kind: str, name: str) -> None:
    """Have a network's first pass, and the imports that come with it, behind us."""
    with st.spinner("Getting ready …"):
        SENSES[kind](state.network(name)).warm_up()


def connect(own: SessionSlot, listen: Callable[[], Listener]) -> WebRtcStreamerContext[Any, Any]:
    """Show the button that starts and stops the microphone, and return what it controls.

    A place is taken before there is a connection, and both end together: without a place nothing would limit
    how many connections there are. A run ends only the listener that it knows: Streamlit may begin the next
    run before this one is over, and a connection may close after the next one was made.
    """
    listener = own.listener
    try:
        if is_offer(st.session_state.get(generate_frontend_component_key(STREAM))):
            listener = listen()
        context = streamlit_webrtc.webrtc_streamer(
            key=STREAM,
            mode=WebRtcMode.SENDONLY,
            rtc_configuration={"iceServers": ice_servers()},
            # What improves a call spoils music and hides sounds: it takes them for noise, and moves levels.
            media_stream_constraints={
                "video": False,
                "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
            },
            sink_audio_track=streamlit_webrtc.create_audio_sink_track(
                lambda frame: own.process(samples_of(frame), frame.sample_rate),
                key="live-sink",
                on_ended=partial(own.end, listener),
            ),
            translations={"start": "Start", "stop": "Stop", "select_device": "Choose the microphone"},
        )
    except SignallingTimeoutError as error:
        raise InputError("The connection was not made in time: press Stop, and then Start.") from error
    except ZooError:
        raise
    except Exception as error:  # aiortc has no common one for what it cannot read
        logging.getLogger(__name__).warning("An offer was refused: %r", error)
        raise InputError("The browser's offer could not be used: press Stop, and then Start.") from error
    finally:  # streamlit-webrtc leaves by an exception to run the page again
        if worker := worker_of(st.session_state.get(STREAM)):
            own.at_end(worker.stop)
    if not is_on(context):
        own.end(listener)
    return context


def is_on(context: WebRtcStreamerContext[Any, Any]) -> bool:
    """Return whether the microphone is on or about to be."""
    return context.state.playing or context.state.signalling


def worker_of(context: WebRtcStreamerContext[Any, Any] | None) -> WebRtcWorker[Any, Any] | None:
    """Return the connection of a streamer, which only its private method gives."""
    worker = context._get_worker() if context is not None else None
    assert not isinstance(worker, NativeAudioWorker)  # the page asks for no such backend
    return worker


def numbers(tone: TunerReading | None, snapshot: Snapshot) -> None:
    values = {
        "Frequency": f"{tone.frequency:.1f} Hz" if tone else "–",
        "Cents off": f"{round(tone.cents):+d}" if tone else "–",
        "Confidence": f"{tone.confidence:.2f}" if tone else "–",
        "Level": f"{snapshot.level:.0f} dB" if math.isfinite(snapshot.level) else "–",
    }
    state.metrics(values)


def as_tuner(snapshot: Snapshot, pitch: PitchTrack, a4: float) -> None:
    tone = tone_of(pitch, a4)
    drawing(svg.tuner(tone), "live-tuner")
    numbers(tone, snapshot)
    drawing(svg.curve(pitch), "live-curve", name="pitch")


def as_classes(sounds: Sounds) -> None:
    drawing(svg.bars(sounds), "live-bars")
    drawing(svg.classes(sounds), "live-map", name="sounds")


def as_delay(snapshot: Snapshot) -> None:
    if not snapshot.delays:
        st.caption("No sound has been analyzed yet.")
        return
    delays = "; ".join(
        f"{kind} {delay.seconds:.2f} s, and a window of {delay.window:.2g} s"
        for kind, delay in snapshot.delays.items()
    )
    st.caption(
        f"**Delay**: {delays}. The first is from the arrival of a sound at the server until its answer is "
        "shown, the second is how much sound one answer is about. Browser and network come on top."
    )


def trouble(listener: Listener, snapshot: Snapshot) -> None:
    if listener.stopped:
        st.warning(f"{listener.reason or 'Listening is over.'} Press Stop, and then Start.")
    elif snapshot.since > LATE:
        st.info(
            f"No sound has arrived for {snapshot.since:.0f} s. If browser and server cannot reach "
            "each other, the operator of the app can name a TURN server in ZOO_ICE_SERVERS."
        )
    elif snapshot.behind:
        st.warning(
            f"This machine cannot keep up: {snapshot.left_out:.0f} of {snapshot.seconds:.0f} seconds of "
            "sound were left out; choose a smaller network, or only one of the two."
        )


def show(context: WebRtcStreamerContext[Any, Any], listener: Listener, a4: float) -> None:
    """Show the present results; run the whole page if the microphone is off.

    Stop has the whole page run. A run of this fragment that the browser requested before Stop may set the
    state of the streamer back to what it was then, and the run of the page finds the microphone on. The next
    run of the fragment brings the right state.
    """
    if not is_on(context):
        st.rerun()
    snapshot = listener.snapshot()
    with st.container():  # which keeps the place of what is below, also when it is empty
        trouble(listener, snapshot)
    columns = iter(st.columns(2))
    if snapshot.pitch is not None:
        with next(columns):
            as_tuner(snapshot, snapshot.pitch, a4)
    if snapshot.sounds is not None:
        with next(columns):
            as_classes(snapshot.sounds)
    as_delay(snapshot)


st.title("Live")
st.markdown("Press Start, then speak, sing, or play: the page shows sounds and pitch as they occur.")
with one_sentence():
    choices, a4 = choose()
    own = slot()
    # What comes and goes above the streamer keeps to a place of its own: were the streamer moved by it, the
    # browser would load it anew and lose the connection.
    with st.container():
        network_picker.require(*choices.values())
        network_names = {kind: choice.name for kind, choice in choices.items()}
        # Before Start can be pressed: it takes so long that a connection in the making would time out.
        loaded = {kind: state.network(name) for kind, name in network_names.items()}
        for kind, name in network_names.items():
            state.remembered(warm_up, kind, name)
        own.require()
        if reason := microphone.obstacle():
            st.warning(reason, icon=":material/mic_off:")
    if not network_names:
        own.leave()
        st.info("Choose what to listen for: sounds, pitch, or both.")
    else:
        listen = partial(
            own.listen,
            tuple(network_names.items()),
            lambda: Listener(sounds=loaded.get("sounds"), pitch=loaded.get("pitch")),
        )
        context = connect(own, listen)
        if is_on(context):
            listen()
            if own.listener is not None:
                st.fragment(show, run_every=EVERY)(context, own.listener, a4)
        else:
            if own.ended:  # the connection ends with the listener, and the page that showed why is drawn anew
                st.warning(own.ended)
            st.info(
                "The microphone is off."
                if reason
                else "The microphone is off. Press Start, and allow the browser to use it."
            )
    st.caption("Sound is analyzed on the machine that runs this app and is not stored.")
