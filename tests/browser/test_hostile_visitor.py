"""A visitor with files that are costly to decode: the server stays small, and another visitor is answered.

`benchmarks.hostile_visitor` measures how long the other waits, and fails if that is too long.
"""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.hostile_visitor import measure
from tests import bombs

MAX_MEMORY = 2.5e9  # bytes above rest, of the server and all that it starts


def test_costly_pictures_leave_the_server_small_and_others_are_answered():
    files = {
        "clear.webp": bombs.webp(),
        "refined.jpg": bombs.jpeg_of_scans(3000, 6000),
        "comments.gif": bombs.gif_of_comments(100_000),
        "strips.tif": bombs.tiff_of_strips(200_000),
    }
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop of the other tests runs in this one
        measurement = thread.submit(measure, files, repeats=1).result()
    print(f"{(measurement.peak - measurement.rest) / 1e9:.2f} GB above rest, {measurement.seconds:.0f} s")
    assert measurement.peak - measurement.rest < MAX_MEMORY
    assert measurement.beside
    for name in ("refined.jpg", "comments.gif", "strips.tif"):
        assert sum(name in refusal for refusal in measurement.refusals) == 1
