"""A thread that listens, and how many may."""

import copy
import threading
import time

import numpy as np
import pytest

import zoo
from zoo.app import settings
from zoo.app.live import session as listening
from zoo.app.live.analyzers import tone_of
from zoo.app.live.session import Listener, SessionLimiter, SessionSlot, Snapshot
from zoo.audio.signal import read_mono
from zoo.core.errors import InputError

RATE, CHUNK = 48000, 960  # 20 ms, as WebRTC has it


def stereo(samples: np.ndarray) -> np.ndarray:
    return np.tile((samples * 32767).astype(np.int16), (2, 1))


def tone(seconds: float, hertz: float = 440.0) -> np.ndarray:
    return stereo(0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE))


def play(listener: Listener, samples: np.ndarray) -> Snapshot:
    """Feed chunks as fast as they are analyzed, however slow that is here; return the last results."""
    until(lambda: listener.ready)
    for i in range(0, samples.shape[1], CHUNK):
        listener.process(samples[:, i : i + CHUNK], RATE)
        until(lambda: listener.snapshot().waiting < 1)
    until(lambda: listener.snapshot().waiting < listening.LEAST)
    until(lambda: listener.snapshot().delays)
    return listener.snapshot()


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it took more than a minute"
        time.sleep(0.002)


def slowed(net, seconds: float):
    """The same network, which takes so much longer for each batch."""
    slow = copy.copy(net)
    slow.scores = lambda data: (time.sleep(seconds), net.scores(data))[1]
    return slow


@pytest.fixture
def begin():
    """Makes listeners, and stops them in the end."""
    begun = []

    def make(**options) -> Listener:
        begun.append(Listener(**options))
        return begun[-1]

    yield make
    for one in begun:
        one.stop()


def test_a_tone_from_a_microphone_is_a4(begin, net):
    snapshot = play(begin(sounds=net("yamnet"), pitch=net("crepe.tiny")), tone(3))
    reading = tone_of(snapshot.pitch)
    assert reading.note == "A4"
    assert abs(reading.cents) < 5
    assert "Dial tone" in snapshot.sounds.now.labels[:4]
    assert snapshot.level == pytest.approx(20 * np.log10(0.4 / np.sqrt(2)), abs=0.1)
    assert snapshot.left_out == 0
    assert not snapshot.behind
    assert snapshot.seconds == pytest.approx(3)
    assert snapshot.delays["sounds"].window == pytest.approx(0.96 + 0.48)
    assert snapshot.delays["pitch"].window == pytest.approx(0.064 + 0.12)
    assert all(0 < delay.seconds < 60 for delay in snapshot.delays.values())


def test_a_bicycle_bell_is_one(begin, net):
    bell = stereo(read_mono(zoo.sample("bicycle-bell.wav"), RATE)[: 10 * RATE])
    snapshot = play(begin(sounds=net("yamnet")), bell)
    assert "Bicycle bell" in snapshot.sounds.now.labels[:3]
    assert snapshot.pitch is None


def test_delays_are_counted_from_arrival_to_showing(begin, net):
    listener = begin(pitch=net("crepe.tiny"))
    until(lambda: listener.ready)
    arrived = time.monotonic()
    listener.process(tone(0.5), RATE)
    until(lambda: listener._delays["pitch"].answered is not None)
    time.sleep(0.3)  # until somebody looks
    delay = listener.snapshot().delays["pitch"].seconds
    assert 0.3 < delay < time.monotonic() - arrived + 0.1
    time.sleep(0.2)
    assert listener.snapshot().delays["pitch"].seconds == delay  # an answer counts when it is shown first


def test_a_network_that_is_too_slow_leaves_sound_out_and_does_not_fall_behind(begin, net):
    listener = begin(pitch=slowed(net("crepe.tiny"), 0.2))
    until(lambda: listener.ready)
    samples, longest_wait = tone(30), 0.0
    for i in range(0, samples.shape[1], CHUNK):
        listener.process(samples[:, i : i + CHUNK], RATE)
        longest_wait = max(longest_wait, listener.snapshot().waiting)
        time.sleep(0.0005)
    snapshot = listener.snapshot()
    assert snapshot.seconds == pytest.approx(30)
    assert 5 < snapshot.left_out < 30
    assert snapshot.behind
    assert longest_wait <= listening.MAX_LAG
    until(lambda: listener.snapshot().waiting < listening.LEAST)
    until(lambda: (tone := tone_of(listener.snapshot().pitch)) and tone.note == "A4")


def test_a_microphone_never_waits_for_a_network(begin, net):
    stuck, answer = copy.copy(net("crepe.tiny")), threading.Event()
    stuck.scores = lambda data: answer.wait(60) and net("crepe.tiny").scores(data)
    listener, samples = begin(pitch=stuck), tone(0.02)
    for _ in range(100):
        listener.process(samples, RATE)
        assert not listener.snapshot().delays
    answer.set()


def test_silence_has_no_level(begin, net):
    snapshot = play(begin(pitch=net("crepe.tiny")), np.zeros((2, RATE), np.int16))
    assert snapshot.level == -np.inf
    assert tone_of(snapshot.pitch) is None


def test_without_sound_it_stops_of_itself(begin, net):
    listener = begin(pitch=net("crepe.tiny"), patience=0.2)
    until(lambda: listener.stopped)
    assert listener.reason == "No sound has arrived for 0.2 seconds."


def test_what_depends_on_it_ends_with_it_in_its_own_thread(begin, net):
    """Whoever stops it, such as the event loop, does not wait for that."""
    listener, ended = begin(pitch=net("crepe.tiny"), patience=0.2), []

    def ending() -> None:
        ended.append(threading.current_thread().name)

    listener.at_end(ending)
    listener.at_end(ending)
    until(lambda: ended)
    listener.at_end(ending)
    assert ended == ["live", threading.current_thread().name]


def test_nobody_listens_for_ever(begin, net, monkeypatch):
    monkeypatch.setattr(listening, "MAX_SECONDS", 0.1)
    listener = begin(pitch=net("crepe.tiny"))
    until(lambda: listener.stopped)
    assert listener.reason.startswith("Listening ends after")


def test_more_sound_than_a_microphone_makes_ends_it(begin, net):
    listener = begin(pitch=net("crepe.tiny"))
    until(lambda: listener.ready)
    while not listener.stopped:
        listener.process(np.zeros((1, RATE * 10), np.int16), RATE)
    assert listener.reason == "Sound arrives faster than a microphone makes it."


def test_what_is_stopped_is_over_and_its_thread_ends(begin, net):
    before = threading.active_count()
    listener = begin(pitch=net("crepe.tiny"))
    play(listener, tone(0.5))
    listener.stop()
    assert listener.stopped
    assert listener.reason == ""
    until(lambda: threading.active_count() <= before)
    seconds = listener.snapshot().seconds
    listener.process(tone(0.1), RATE)
    assert listener.snapshot().seconds == seconds
    assert tone_of(listener.snapshot().pitch).note == "A4"  # what was heard stays


def test_an_error_of_a_network_is_told(begin, net, caplog):
    broken = copy.copy(net("crepe.tiny"))
    broken.scores = lambda data: 1 / 0
    listener = begin(pitch=broken)
    until(lambda: listener.stopped)
    assert listener.reason.startswith("Listening failed unexpectedly")
    assert "ZeroDivisionError" in caplog.text


def test_what_is_no_sound_is_refused(begin, net):
    listener = begin(pitch=net("crepe.tiny"))
    with pytest.raises(InputError):
        listener.process(np.zeros((960, 30)), RATE)
    with pytest.raises(InputError, match="sample rate"):
        listener.process(np.zeros((1, 960)), 0)
    with pytest.raises(InputError, match="nothing to listen for"):
        begin()


def test_a_limiter_has_so_many_slots(net):
    limiter = SessionLimiter(2)
    slots = [SessionSlot(limiter) for _ in range(3)]

    def make() -> Listener:
        return Listener(pitch=net("crepe.tiny"))

    try:
        for slot in slots[:2]:
            slot.require()
            slot.listen("pitch", make)
        for refused in (slots[2].require, lambda: slots[2].listen("pitch", make)):
            with pytest.raises(InputError, match="live sessions of this machine are taken"):
                refused()
        assert slots[2].listener is None
        slots[0].require()  # who listens is not asked to leave
        slots[0].leave()
        slots[2].listen("pitch", make)
        slots[1].listener.stop()  # of itself, as when nobody is there
        slots[0].listen("pitch", make)
    finally:
        for slot in slots:
            slot.leave()


def test_a_slot_has_one_listener_for_each_wish(net):
    slot = SessionSlot(SessionLimiter(1))
    slot.process(tone(0.1), RATE)  # which nobody listens to
    try:
        slot.listen("a", lambda: Listener(pitch=net("crepe.tiny")))
        first = slot.listener
        slot.listen("a", lambda: Listener(pitch=net("crepe.tiny")))
        assert slot.listener is first
        slot.listen("b", lambda: Listener(sounds=net("yamnet")))
        assert first.stopped
        assert not slot.listener.stopped
    finally:
        slot.leave()


def test_runs_of_a_page_that_overlap_share_one_listener(net):
    slot, begun, errors = SessionSlot(SessionLimiter(1)), [], []

    def also() -> None:
        try:
            slot.listen("pitch", make)
        except InputError as error:
            errors.append(error)

    other = threading.Thread(target=also)

    def make() -> Listener:
        begun.append(Listener(pitch=net("crepe.tiny")))
        other.start()
        other.join(0.5)  # in which it waits for its turn
        return begun[-1]

    try:
        slot.listen("pitch", make)
        other.join()
        assert not errors
        assert begun == [slot.listener]
    finally:
        slot.leave()


def test_what_knows_an_earlier_listener_does_not_end_the_present_one(net):
    slot = SessionSlot(SessionLimiter(1))
    try:
        slot.end(None)
        first = slot.listen("a", lambda: Listener(pitch=net("crepe.tiny")))
        slot.end(None)  # by a run of the page that began before it
        assert slot.listener is first
        assert not first.stopped
        second = slot.listen("b", lambda: Listener(pitch=net("crepe.tiny")))
        slot.end(first)  # by its connection, which closes late
        assert slot.listener is second
        assert not second.stopped
        slot.end(second)
        assert slot.listener is None
        assert second.stopped
    finally:
        slot.leave()


def test_a_slot_tells_why_it_ended(net):
    slot = SessionSlot(SessionLimiter(1))

    def make() -> Listener:
        return Listener(pitch=net("crepe.tiny"))

    slot.listen("a", make)
    slot.leave()
    assert slot.ended == listening.UNHEARD
    slot.listen("a", make)
    assert not slot.ended
    slot.process(tone(0.1), RATE)
    slot.leave()
    assert not slot.ended  # the user stopped it
    slot.listen("a", make)
    slot.listener.stop("No sound has arrived for 20 seconds.")
    slot.leave()
    slot.leave()
    assert slot.ended == "No sound has arrived for 20 seconds."


def test_how_many_is_a_setting(monkeypatch):
    assert SessionLimiter().max_sessions == settings.MAX_LISTENERS
    monkeypatch.setenv("ZOO_LISTENERS", "9")
    assert SessionLimiter().max_sessions == 9
    monkeypatch.setenv("ZOO_LISTENERS", "0")
    with pytest.raises(InputError, match="switched off"):
        SessionLimiter().require_free()
