"""Files at links that strangers paste: fetched within limits, and never from inside the server's own network.

Whoever may name an address for a server to fetch could otherwise have it fetch what only it can reach: other
services of its machine and network, or the metadata of its cloud (OWASP: Server-side request forgery). So the
host is resolved here, every answer is looked at, and the connection goes to one of those answers, not to the
name again, which might be answered otherwise the second time. Each redirect goes the same way. A proxy, which
would resolve the host itself, is not used.
"""

import ipaddress
import os
import socket
import time
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from zoo.errors import InputError
from zoo.sources import offline

MOST_BYTES = 50_000_000
MOST_SECONDS = 30  # for the content
_SILENCE = 10  # seconds without a byte
_REDIRECTS = 5
_CHUNK = 1 << 16
# Where the last 32 bits are an IPv4 address: RFC 6052, and the retired form of RFC 4291.
_WRAPPED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215; older Pythons take it for global


class Link(NamedTuple):
    """What was at a link: the last part of its path, or its host, and the content."""

    name: str
    data: bytes


def local_allowed() -> bool:
    """Whether ``ZOO_LOCAL_LINKS`` allows links into this machine's own network."""
    return os.environ.get("ZOO_LOCAL_LINKS", "").lower() not in ("", "0", "false", "no")


def fetch(url: str, *, most: int = MOST_BYTES) -> Link:
    """What is at a link that anybody may have pasted.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, without a user's name; of a host on the public internet, unless
        `local_allowed`.
    most : int
        Bytes that it may have.

    Returns
    -------
    Link

    Raises
    ------
    InputError
        If it is no such link, leads into the server's own network, takes too long, is too large or empty, or
        cannot be had.
    """
    url = url.strip()
    host = _host(url)
    if offline():
        raise InputError(f"{host} is not on this machine, and ZOO_OFFLINE forbids to fetch from it.")
    try:
        data = _get(url, most)
    except urllib3.exceptions.TimeoutError:
        raise InputError(f"{host} does not answer in time.") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise InputError(f"{host} cannot be reached, or breaks off.") from error
    if not data:
        raise InputError(f"There is nothing at this link of {host}.")
    return Link(unquote(PurePosixPath(urlsplit(url).path).name) or host, data)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and does not wrap another one that is not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if any(ip in network for network in _WRAPPED):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or ip in _LOCAL:
            return False
    return ip.is_global and not ip.is_multicast


def _host(url: str) -> str:
    """The host of a link that may be followed."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise InputError("A link must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise InputError("A link with a user name or password in it is not followed.")
    return parts.hostname


def _get(url: str, most: int) -> bytes:
    # As it is: what is packed for the way might unpack to any size.
    headers = {"Accept-Encoding": "identity", "User-Agent": "zoo"}
    with urllib3.PoolManager(ca_certs=requests.certs.where(), timeout=_SILENCE, retries=False) as pools:
        pools.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        for _ in range(_REDIRECTS + 1):
            host = _host(url)
            response = pools.request("GET", url, headers=headers, redirect=False, preload_content=False)
            try:
                if place := response.get_redirect_location():
                    url = urljoin(url, place)
                    continue
                if response.status != 200:
                    raise InputError(f"{host} answers {response.status} ({response.reason}).")
                return _content(response, most, host)
            finally:
                response.close()
        raise InputError(f"{host} redirects more than {_REDIRECTS} times.")


def _content(response: urllib3.BaseHTTPResponse, most: int, host: str) -> bytes:
    end = time.monotonic() + MOST_SECONDS
    length = response.headers.get("Content-Length", "")
    data = bytearray()
    while True:
        if len(data) > most or (length.isdecimal() and int(length) > most):
            raise InputError(f"The file of {host} is larger than {most / 1e6:g} MB.")
        if time.monotonic() > end:
            raise InputError(f"The file of {host} takes longer than {MOST_SECONDS} s.")
        chunk = response.read1(_CHUNK, decode_content=False)
        if not chunk:
            return bytes(data)
        data += chunk


def _connect(connection: Any) -> socket.socket:
    """A socket to the first address of a connection's host that answers; all of them must be public."""
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(f"There is no host {host} that this machine can find.") from None
    if not local_allowed() and not all(is_public(address[0]) for *_, address in found):
        raise InputError(f"{host} is in a private network, where links are not followed.")
    for *_, address in found:
        try:
            return socket.create_connection(address[:2], connection.timeout)
        except OSError:
            continue
    raise InputError(f"{host} cannot be reached.")


class _HTTP(HTTPConnection):
    _new_conn = _connect


class _HTTPS(HTTPSConnection):  # the certificate must still have the host's name
    _new_conn = _connect


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPS
