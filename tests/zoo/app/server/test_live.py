"""Live attacked through its connection: what is no offer, and connections that nobody uses."""

import asyncio
import json
from contextlib import ExitStack

import psutil
from aiortc import RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack

from tests.zoo.app.server.test_sessions import until
from tests.zoo.app.server.visitor import Visitor, visitor

LISTENERS = 2  # see conftest.py


def streamers(one: Visitor) -> list:
    """The component that connects, each time that it was drawn."""
    parts = (message.delta.new_element.component_instance for message in one.messages)
    return [part for part in parts if "webrtc" in part.component_name]


def answered(one: Visitor) -> bool:
    """Whether the server answered an offer."""
    return any(json.loads(part.json_args)["sdp_answer_json"] for part in streamers(one))


def offer(video: bool = False) -> dict:
    """What a browser with a microphone, or a camera, offers."""

    async def make() -> dict:
        connection = RTCPeerConnection()
        connection.addTransceiver("video") if video else connection.addTrack(AudioStreamTrack())
        await connection.setLocalDescription(await connection.createOffer())
        description = connection.localDescription
        await connection.close()
        return {"type": description.type, "sdp": description.sdp}

    return asyncio.run(make())


def say(one: Visitor, component: str, value: object) -> str:
    """Let the component say something; what the page says then."""
    one.run(**{component: json.dumps(value)})
    return one.texts()


def udp(process: int) -> int:
    """How many sockets of WebRTC a process has."""
    return sum(one.type == 2 for one in psutil.Process(process).net_connections("inet"))


GOOD = offer()["sdp"]
NO_OFFERS = [
    "offer", [], ["offer"], 7, {"sdpOffer": 7}, {"sdpOffer": {"sdp": GOOD}},
    {"sdpOffer": {"type": "answer", "sdp": GOOD}}, {"sdpOffer": {"type": "offer", "sdp": "m=audio nothing"}},
    {"sdpOffer": {"type": "offer", "sdp": GOOD[: len(GOOD) // 2]}},
    {"sdpOffer": {"type": "offer", "sdp": GOOD + GOOD[GOOD.index("m=audio") :] * 4}},
    {"sdpOffer": {"type": "offer", "sdp": GOOD + "a=x\r\n" * 100_000}},
    {"sdpOffer": {"type": "offer", "sdp": GOOD}, "iceCandidates": {"a": {"candidate": 7}}},
    {"sdpOffer": offer(video=True)},
]  # fmt: skip
LAME = [
    GOOD.replace("a=fingerprint", "a=no"),
    GOOD.replace("a=ice-pwd", "a=no"),
    GOOD.replace("opus", "none"),
]
OFF = {"playing": False, "sdpOffer": ""}


def test_what_is_no_offer_is_refused_and_leaves_nothing(app):
    address, process = app
    before = udp(process)
    with visitor(address, "live") as one:
        component = streamers(one)[0].id
        for value in NO_OFFERS:
            reply = say(one, component, value)
            assert not answered(one)
            assert "The browser" in reply or not isinstance(value, dict)
        until(lambda: udp(process) == before)
        one.leave()


def test_an_offer_is_answered_and_what_leads_nowhere_ends_with_stop(app):
    address, process = app
    before = udp(process)
    with visitor(address, "live") as one:
        component = streamers(one)[0].id
        for sdp in [GOOD, *LAME]:
            say(one, component, {"playing": False, "sdpOffer": {"type": "offer", "sdp": sdp}})
            if sdp == GOOD:
                assert answered(one) or (one.finish() and answered(one))  # the page runs once more to tell it
                assert udp(process) > before
            say(one, component, OFF)
            until(lambda: udp(process) == before)
        one.leave()


def test_connections_that_never_start_are_no_more_than_listeners_and_end_with_their_sessions(app):
    address, process = app
    before = udp(process)
    with ExitStack() as visitors:
        several = [visitors.enter_context(visitor(address, "live")) for _ in range(LISTENERS + 3)]
        components = [streamers(one)[0].id for one in several]
        value = {"playing": False, "sdpOffer": {"type": "offer", "sdp": GOOD}}
        replies = [say(one, part, value) for one, part in zip(several, components, strict=True)]
        assert sum("live sessions of this machine are taken" in text for text in replies) == 3
        assert udp(process) > before
        for one in several:
            one.leave()
    until(lambda: udp(process) == before)
