"""Downloads of weights: one per network, for all sessions that wait for it, and a few at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import requests

from zoo.core.environment import offline
from zoo.core.errors import WeightsError
from zoo.core.spec import Spec
from zoo.hub import weights

AT_ONCE = 2  # each holds its weights in memory while it converts them


class _Cancelled(Exception):
    """No session waits for a download any more."""


class Download:
    """The weights of a network on their way here. Made by `DownloadPool.join`.

    Attributes
    ----------
    spec : Spec
    fraction : float
        How much is downloaded, from 0 to 1.
    error : str
        Why it failed, in plain words; empty if it did not.
    over : bool
    """

    def __init__(self, spec: Spec):
        self.spec, self.fraction, self.error, self.over = spec, 0.0, "", False
        self.sessions: set[Hashable] = set()

    def run(self) -> None:
        """Download and convert, and keep the reason if that fails."""
        try:
            self._report(0, 1)
            weights.ensure(self.spec, self._report)
        except _Cancelled:
            pass
        except WeightsError as error:
            self.error = plain_reason(error)
        except Exception:
            logging.getLogger(__name__).exception("The download of %s failed", self.spec.name)
            self.error = "this failed unexpectedly; the server's log has the reason"
        finally:
            self.over = True

    def _report(self, done: int, total: int) -> None:
        if not self.sessions:
            raise _Cancelled
        self.fraction = min(1.0, done / max(total, 1))


class DownloadPool:
    """The downloads of a process.

    Parameters
    ----------
    at_once : int
        How many run; others wait.
    """

    def __init__(self, at_once: int = AT_ONCE):
        self._executor = ThreadPoolExecutor(at_once, "download")
        self._downloads: dict[str, Download] = {}
        self._lock = threading.Lock()

    def join(self, spec: Spec, session: Hashable) -> Download:
        """Return the download of a network that other sessions wait for, or begin one."""
        with self._lock:
            download = self._downloads.get(spec.name)
            begun = download is not None and download.sessions and not download.over
            if download is None or not begun:
                download = self._downloads[spec.name] = Download(spec)
            download.sessions.add(session)
            if not begun:
                self._executor.submit(download.run)
            return download

    def leave(self, download: Download, session: Hashable) -> None:
        """Stop waiting; a download for which no session waits ends."""
        with self._lock:
            download.sessions.discard(session)

    def close(self) -> None:
        """End all downloads."""
        with self._lock:
            for download in self._downloads.values():
                download.sessions.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)


def plain_reason(error: WeightsError) -> str:
    """Say in a few plain words why weights could not be downloaded."""
    if offline():
        return "downloads are disabled on this server"
    sources = error.__cause__.exceptions if isinstance(error.__cause__, ExceptionGroup) else (error,)
    return "; ".join(dict.fromkeys(map(_reason, sources)))


def _reason(error: Exception) -> str:
    cause = error.__cause__
    if not isinstance(cause, requests.RequestException):
        return str(error).rstrip(".")
    host = urlparse(cause.request.url).hostname if cause.request is not None else "its server"
    if cause.response is not None:
        return f"{host} answers {cause.response.status_code} ({cause.response.reason})"
    return f"{host} cannot be reached"
