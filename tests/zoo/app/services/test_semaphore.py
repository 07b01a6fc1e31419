"""Only so many work at once, in the order in which they came."""

import threading
import time

import pytest

from zoo.app.services.semaphore import FairSemaphore


def test_no_more_than_allowed_work_at_once_and_all_have_their_turn():
    turns, now, peak, done = FairSemaphore(2), [0], [0], []
    lock = threading.Lock()

    def work(number: int) -> None:
        with turns.take():
            with lock:
                now[0] += 1
                peak[0] = max(peak[0], now[0])
            time.sleep(0.02)
            with lock:
                now[0] -= 1
                done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(8))
    assert peak[0] == 2


def test_who_waits_is_told_how_many_are_before_and_moves_up():
    turns, positions, go = FairSemaphore(1), [], [threading.Event() for _ in range(2)]

    def work(event: threading.Event) -> None:
        with turns.take():
            event.wait(60)

    for event in go:
        threading.Thread(target=work, args=(event,), daemon=True).start()
        while len(turns._queue) <= go.index(event):  # they come in this order
            time.sleep(0.001)

    def tell(before: int) -> None:
        positions.append(before)
        go[2 - before].set()

    with turns.take(tell, every=0.05):
        pass
    assert list(dict.fromkeys(positions)) == [2, 1]


def test_who_gives_up_waiting_leaves_the_queue():
    turns, begun, go = FairSemaphore(1), threading.Event(), threading.Event()

    def work() -> None:
        with turns.take():
            begun.set()
            go.wait(60)

    def give_up(before: int) -> None:
        raise KeyboardInterrupt

    holder = threading.Thread(target=work)
    holder.start()
    begun.wait(60)
    with pytest.raises(KeyboardInterrupt), turns.take(give_up, every=0.01):
        pass
    go.set()
    holder.join()
    with turns.take(lambda before: pytest.fail("nobody is there"), every=0.01):
        pass


def test_who_fails_lets_the_next_one_in():
    turns = FairSemaphore(1)
    with pytest.raises(ValueError, match="no"), turns.take():
        raise ValueError("no")
    with turns.take(lambda before: pytest.fail("nobody is there"), every=0.01):
        pass


def test_a_turn_within_a_turn_does_not_wait():
    turns = FairSemaphore(1)
    with turns.take(), turns.take(lambda before: pytest.fail("waits for itself"), every=0.01):
        pass
    with turns.take(lambda before: pytest.fail("a turn was kept"), every=0.01):
        pass
