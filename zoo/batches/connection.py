"""The connection to a Dask scheduler: requests go out as tasks, and come back as answers or errors."""

from __future__ import annotations

import queue
import re
import secrets
import threading
import time
from concurrent.futures import CancelledError
from importlib.metadata import version
from typing import Any

from zoo.batches import cluster_worker
from zoo.core.errors import ClusterError, InputError, reason
from zoo.core.isolated import error_of

CONNECT_SECONDS = 10.0
WORKER_SECONDS = 600.0  # without any worker: clusters start them when there is work, from a queue
_PAUSE = 0.2  # s between two looks at what is done
_LOOK_SECONDS = 2.0  # between two counts of the workers
_CLOSE_SECONDS = 10.0
_WINDOW = 64  # tasks at a time, or more on a cluster of more than half as many threads
_ADDRESS = re.compile(r"dask(?P<tls>\+tls)?://(?P<place>[^/\s@]+:\d{1,5})/?")


class WorkersLost(ClusterError):
    """A task whose workers have ended, several times."""


class Connection:
    """A client of a Dask scheduler, for one run.

    Parameters
    ----------
    address : str
        See `scheduler_address`.
    request : dict
        What every request holds.

    Raises
    ------
    ClusterError
        If no scheduler answers there.
    """

    def __init__(self, address: str, request: dict[str, Any]):
        self._address, self._run = address, secrets.token_hex(8)
        self._request = request | {"run": self._run, "version": version("zoo-pretrained")}
        self._client = _connected(address)
        self._futures: dict[str, Any] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads, self._due, self._end = 0, 0.0, time.monotonic() + WORKER_SECONDS

    def ask(self, action: str, **values: Any) -> dict[str, Any]:
        """Send a request while no other is under way, and wait for its answer; errors as of `answer`."""
        key = self.submit(action, **values)
        while self.next_done() != key:
            continue
        return self.answer(key)

    def submit(self, action: str, **values: Any) -> str:
        """Send a request, and return its key."""
        request = self._request | {"action": action} | values
        key = f"zoo-{self._run}-{secrets.token_hex(8)}"
        future = self._client.submit(cluster_worker.answer, request, key=key, pure=False)
        self._futures[key] = future
        future.add_done_callback(lambda _: self._done.put(key))
        return key

    def next_done(self) -> str | None:
        """Return the key of a request that is through; None if there is none for a while.

        Raises
        ------
        ClusterError
            If the cluster has had no worker for long, or is gone.
        """
        try:
            return self._done.get(timeout=_PAUSE)
        except queue.Empty:
            self.threads()
            return None

    def answer(self, key: str) -> dict[str, Any]:
        """Return the answer to a request that is through.

        Raises
        ------
        WorkersLost
            If several workers have ended with it.
        ClusterError
            If the cluster is gone, or its workers lack the zoo.
        ZooError
            Of the type that was raised on the worker.
        """
        from distributed import KilledWorker

        future = self._futures.pop(key)
        try:
            answer = future.result()
        except KilledWorker as error:
            raise WorkersLost(
                f"Several workers of {self._address} have ended with one task, perhaps for lack of memory."
            ) from error
        except (CancelledError, OSError) as error:
            raise ClusterError(
                f"The connection to {self._address} was lost; finished parts stay, and the same call goes on."
            ) from error
        except Exception as error:  # of any worker, before it gets at the request
            raise ClusterError(
                f"A worker of {self._address} cannot run the zoo ({type(error).__name__}: {reason(error)}); "
                "install the same version everywhere."
            ) from error
        if "error" in answer:
            raise error_of(answer)
        return answer

    def threads(self) -> int:
        """Count the threads of all workers, not more often than every other second.

        Raises
        ------
        ClusterError
            If there has been none for long, or the scheduler is gone.
        """
        now = time.monotonic()
        if now < self._due:
            return self._threads
        try:
            self._threads = sum(self._client.nthreads().values())
        except Exception as error:  # of any state of the connection
            raise ClusterError(
                f"The connection to {self._address} was lost; finished parts stay, and the same call goes on."
            ) from error
        self._due = now + _LOOK_SECONDS
        if self._threads:
            self._end = now + WORKER_SECONDS
        elif now > self._end:
            raise ClusterError(
                f"The scheduler at {self._address} has had no worker for {WORKER_SECONDS:g} s; start some "
                "with `dask worker`."
            )
        return self._threads

    def window(self) -> int:
        """Return how many tasks the scheduler should have at a time."""
        return max(_WINDOW, 2 * self.threads())

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel what is left, end the helper processes, and disconnect, in bounded time."""
        thread = threading.Thread(target=self._close, daemon=True)
        thread.start()
        thread.join(_CLOSE_SECONDS)

    def _close(self) -> None:
        try:
            self._client.cancel(list(self._futures.values()))
            self._client.run(cluster_worker.end, self._run, on_error="ignore")
        except Exception:  # of any state of the connection
            pass
        finally:
            self._client.close(timeout=_CLOSE_SECONDS / 2)


def scheduler_address(address: str) -> str:
    """Return the address of a scheduler as Dask writes it.

    Examples
    --------
    >>> scheduler_address("dask+tls://node1:8786")
    'tls://node1:8786'

    Raises
    ------
    InputError
        If it is not one.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise InputError(
            f"cluster={address!r} is not the address of a Dask scheduler, such as dask://host:8786, or "
            "dask+tls://host:8786."
        )
    return f"{'tls' if match['tls'] else 'tcp'}://{match['place']}"


def _connected(address: str) -> Any:
    """Connect, in a thread: Dask waits without end for a server that accepts connections and says nothing."""
    from distributed import Client

    target = scheduler_address(address)
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def connect() -> None:
        try:
            results.put(Client(target, timeout=CONNECT_SECONDS, set_as_default=False, name="zoo"))
        except Exception as error:  # of any kind of connection
            results.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        client = results.get(timeout=2 * CONNECT_SECONDS)
    except queue.Empty:
        client = TimeoutError(f"nothing came for {2 * CONNECT_SECONDS:g} s")
    if isinstance(client, Exception):
        raise ClusterError(
            f"No Dask scheduler answers at {address} ({reason(client)}); start one with `dask scheduler`, or "
            "correct the address."
        ) from client
    return client
