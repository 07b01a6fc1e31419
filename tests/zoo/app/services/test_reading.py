"""Uploads are read one after another, and none takes the next one down."""

import threading

from zoo.app.services.reading import Reading


def test_one_reading_follows_another_and_an_unexpected_failure_is_a_sentence():
    gate, order = threading.Event(), []

    def first(reading):
        gate.wait(60)
        order.append("first")
        raise RuntimeError("details for the log")

    one = Reading(lambda: None, first)
    other = Reading(lambda: None, lambda reading: order.append("other"), after=one)
    gate.set()
    assert other.wait(60)
    assert order == ["first", "other"]
    assert one.error == "This failed unexpectedly; the server's log has the reason."
    assert not other.error
