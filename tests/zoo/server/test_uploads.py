"""What sessions upload is limited, and gone with them."""

import http.client
import time

import pytest

from tests.zoo.server.visitor import visitor

MB = 10**6


def test_a_session_may_upload_so_much_and_no_more(address):
    with visitor(address) as one:
        assert one.upload("a", bytes(3 * MB)).status_code == 204
        refused = one.upload("b", bytes(3 * MB))
        assert refused.status_code == 413
        assert refused.text == "One session may upload 5 MB: remove files, or load the page again."
        assert one.upload("a", bytes(1 * MB)).status_code == 204  # in place of the first
        one.delete("a")
        assert one.upload("b", bytes(4 * MB)).status_code == 204
        one.leave()


def test_all_sessions_together_may_upload_so_much_and_what_ended_ones_uploaded_is_gone(address):
    with visitor(address) as one, visitor(address) as other:
        assert one.upload("a", bytes(4 * MB)).status_code == 204
        refused = other.upload("a", bytes(4_500_000))
        assert refused.status_code == 413
        assert refused.text == "The server holds as many uploads as it can: try again later."
        one.leave()
        end = time.monotonic() + 10
        while other.upload("a", bytes(4_500_000)).status_code != 204:
            assert time.monotonic() < end, "the files of an ended session are still there"
            time.sleep(0.1)
        other.leave()


def test_an_upload_needs_a_session_that_is_there(address):
    with visitor(address) as one:
        assert one.upload("a", b"a", session="00000000-0000-0000-0000-000000000000").status_code == 403
        one.leave()
    assert one.upload("a", b"a").status_code == 403


@pytest.mark.parametrize(("length", "status"), [(None, 411), ("-1", 400), ("1e3", 400)])
def test_an_upload_must_state_its_length(address, length, status):
    with visitor(address) as one:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
        connection.putrequest("PUT", f"/_stcore/upload_file/{one.session}/a")
        if length is None:
            connection.putheader("Transfer-Encoding", "chunked")
        else:
            connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()
        one.leave()
