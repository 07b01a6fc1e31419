"""Live hears what no microphone sends: packets that are no sound, or out of their time."""

import asyncio
import json
import random
from fractions import Fraction

import av
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from tests.browser.serving import served
from tests.zoo.app.server.test_live import streamers
from tests.zoo.app.server.visitor import Visitor, visitor

PACKETS = 300


class HostileTrack(MediaStreamTrack):
    """Packets of random bytes and times; aiortc sends them as they are."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.sent, self._random = 0, random.Random(0)

    async def recv(self) -> av.Packet:
        await asyncio.sleep(0.005)
        packet = av.Packet(self._random.randbytes(self._random.choice((1, 3, 200, 1200))))
        packet.pts = self._random.choice((0, 960 * self.sent, 2**31 - 1, self._random.randrange(2**31)))
        packet.time_base = Fraction(1, 48000)
        self.sent += 1
        return packet


async def attack(one: Visitor, codec: str) -> None:
    """Connect as a browser does, and send."""
    connection, track = RTCPeerConnection(), HostileTrack()
    sender = connection.addTransceiver(track, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("audio").codecs
    sender.setCodecPreferences([one_codec for one_codec in codecs if one_codec.mimeType.lower() == codec])
    await connection.setLocalDescription(await connection.createOffer())
    description = connection.localDescription
    component = streamers(one)[0].id
    offer = {"playing": False, "sdpOffer": {"type": description.type, "sdp": description.sdp}}
    await asyncio.to_thread(one.run, **{component: json.dumps(offer)})
    while not (answer := answer_to(one)):
        await asyncio.to_thread(one.finish)
    await connection.setRemoteDescription(RTCSessionDescription(**answer))
    message = json.dumps({**offer, "playing": True})
    async with asyncio.timeout(60):
        while track.sent < PACKETS or "**Delay**: sounds" not in one.texts():  # the networks have heard it
            await asyncio.to_thread(one.run, **{component: message})
    await connection.close()


def answer_to(one: Visitor) -> dict | None:
    """What the server answered to an offer, or None."""
    texts = [json.loads(part.json_args)["sdp_answer_json"] for part in streamers(one)]
    return next((json.loads(text) for text in texts if text), None)


def test_packets_that_are_no_sound_leave_the_server_as_it_was(tmp_path):
    log = tmp_path / "log"
    with served(log) as (address, _):
        for codec in ("audio/opus", "audio/pcmu"):
            with visitor(address, "live") as one:
                asyncio.run(attack(one, codec))
                one.leave()
        with visitor(address, "live") as other:
            assert streamers(other)
            other.leave()
        assert "Traceback" not in log.read_text()
