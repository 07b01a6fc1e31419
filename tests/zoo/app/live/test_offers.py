"""What a browser says to set up a connection, and what it may not say."""

import copy

import pytest

from zoo.app.live.offers import MAX_CANDIDATES, MAX_CHARACTERS, is_offer
from zoo.core.errors import InputError

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
ADDRESS = "candidate:1 1 udp 2122194687 192.0.2.2 57403 typ host"
CANDIDATE = {"candidate": ADDRESS, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "w3+e"}
OFFER = {"playing": False, "sdpOffer": {"type": "offer", "sdp": SDP}, "iceCandidates": {"a": CANDIDATE}}


def changed(**parts):
    return copy.deepcopy(OFFER) | parts


def sdp(text: str):
    return changed(sdpOffer={"type": "offer", "sdp": text})


def test_what_browsers_say():
    assert is_offer(OFFER)
    assert is_offer(changed(iceCandidates={}))
    assert not is_offer(None)
    assert not is_offer({"playing": False, "sdpOffer": "", "iceCandidates": {}})
    assert not is_offer({"playing": True, "sdpOffer": "", "iceCandidates": {}})


@pytest.mark.parametrize(
    "value",
    [
        "offer", 1, ["offer"], [[]], True,
        changed(playing="yes"), changed(sdpOffer="v=0"), changed(sdpOffer={"sdp": SDP}),
        changed(sdpOffer={"type": "answer", "sdp": SDP}), changed(sdpOffer={"type": "offer", "sdp": [SDP]}),
        changed(sdpOffer={"type": "offer", "sdp": None}),
        sdp(SDP + "a" * MAX_CHARACTERS), sdp("v=0"), sdp(SDP.replace("audio", "video")),
        sdp(SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 500),
        sdp(SDP + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        sdp(SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 111\nm=audio 9 UDP/TLS/RTP/SAVPF 111"),
        sdp(SDP + f"a={ADDRESS}\r\n" * (MAX_CANDIDATES + 1)),
        changed(iceCandidates=[CANDIDATE]), changed(iceCandidates={"a": ADDRESS}),
        changed(iceCandidates={"a": {"candidate": 5}}), changed(iceCandidates={"a": {}}),
        changed(iceCandidates={"a": {"candidate": "a" * 501}}), changed(iceCandidates={"a" * 101: CANDIDATE}),
        changed(iceCandidates={"a": CANDIDATE | {"sdpMLineIndex": 7}}),
        changed(iceCandidates={str(i): CANDIDATE for i in range(MAX_CANDIDATES + 1)}),
    ],
)  # fmt: skip
def test_what_no_browser_says_is_refused_in_one_sentence(value):
    with pytest.raises(InputError, match=r"^The browser.*\.$"):
        is_offer(value)


def test_addresses_count_wherever_they_are():
    half = MAX_CANDIDATES // 2 + 1
    with pytest.raises(InputError, match="addresses"):
        is_offer(
            sdp(SDP + f"a={ADDRESS}\r\n" * half) | {"iceCandidates": {str(i): CANDIDATE for i in range(half)}}
        )
