"""Files at links that strangers paste: fetched within limits, and never from inside the server's own network.

A visitor who may name an address could otherwise make the server fetch what only the server can reach: other
services of its machine and network, or the metadata of its cloud (OWASP: Server-side request forgery). So
this module resolves the host, checks every address, and connects to one of the checked addresses; resolving
the name again could give another one. The request and the check of the certificate use the name. Redirects
are checked in the same way. No proxy is used, because a proxy would resolve the host itself.
"""

import ipaddress
import os
import socket
import time
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urljoin

import urllib3
from requests import certs
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError
from urllib3.util import Url, parse_url

from zoo.core.environment import offline
from zoo.core.errors import InputError

MAX_BYTES = 50_000_000
MAX_SECONDS = 30  # for the content
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


def fetch(url: str, *, max_bytes: int = MAX_BYTES) -> Link:
    """Fetch the file at a link from an untrusted source.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, without a user's name; of a host on the public internet, unless
        `local_allowed`.
    max_bytes : int
        Bytes that it may have.

    Returns
    -------
    Link

    Raises
    ------
    InputError
        If it is not such a link, leads into the server's own network, takes too long, cannot be fetched, or
        gives an empty file or one that is too large.
    """
    parsed = _parsed(url.strip())
    host = _host(parsed)
    if offline():
        raise InputError(f"{host} is not on this machine, and downloads are disabled (ZOO_OFFLINE=1).")
    try:
        data = _get(parsed, max_bytes)
    except urllib3.exceptions.TimeoutError:
        raise InputError(f"{host} does not answer in time.") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise InputError(f"{host} cannot be reached, or breaks off.") from error
    if not data:
        raise InputError(f"There is nothing at this link of {host}.")
    return Link(unquote(PurePosixPath(parsed.path or "").name) or host, data)


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


def _parsed(url: str) -> Url:
    """Parse a link that may be followed."""
    try:
        parsed = parse_url(url)
    except LocationParseError:
        parsed = Url()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.port == 0:
        raise InputError("A link must begin with http:// or https:// and name a host.")
    if parsed.auth:
        raise InputError("A link with a user name or password in it is not followed.")
    return parsed


def _host(url: Url) -> str:
    """Its host as a resolver takes it."""
    return (url.host or "").strip("[]")


def _get(url: Url, max_bytes: int) -> bytes:
    for _ in range(_REDIRECTS + 1):
        response = _request(url)
        try:
            if place := response.get_redirect_location():
                url = _parsed(urljoin(url.url, place))
                continue
            if response.status != 200:
                raise InputError(f"{_host(url)} answers {response.status} ({response.reason}).")
            return _content(response, max_bytes, _host(url))
        finally:
            response.close()
    raise InputError(f"{_host(url)} redirects more than {_REDIRECTS} times.")


def _request(url: Url) -> urllib3.BaseHTTPResponse:
    """Request a link from the first address of its host that can be reached."""
    # As it is: what is packed for the way might unpack to any size.
    headers = {"Host": url.netloc, "Accept-Encoding": "identity", "User-Agent": "zoo"}
    for address in _public_addresses(url):
        try:
            return _pool(url, address).request(
                "GET", url.request_uri, headers=headers, redirect=False, retries=False, preload_content=False
            )
        except (NewConnectionError, ConnectTimeoutError):
            continue
    raise InputError(f"{_host(url)} cannot be reached.")


def _public_addresses(url: Url) -> list[str]:
    """Return the IP addresses of a link's host, all of which must be public."""
    host = _host(url)
    try:
        resolved = socket.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(f"There is no host {host} that this machine can find.") from None
    addresses = [str(address[0]) for *_, address in resolved]
    if not local_allowed() and not all(map(is_public, addresses)):
        raise InputError(f"{host} is in a private network, where links are not followed.")
    return addresses


def _pool(url: Url, address: str) -> urllib3.HTTPConnectionPool:
    """Open a pool of connections to an address, under the host name of the link."""
    if url.scheme == "http":
        return urllib3.HTTPConnectionPool(address, url.port, timeout=_SILENCE)
    host = _host(url).rstrip(".")
    return urllib3.HTTPSConnectionPool(
        address,
        url.port,
        timeout=_SILENCE,
        ca_certs=certs.where(),  # pyright: ignore[reportPrivateImportUsage]  (what requests trusts)
        server_hostname=host,
        assert_hostname=host,
    )


def _content(response: urllib3.BaseHTTPResponse, max_bytes: int, host: str) -> bytes:
    end = time.monotonic() + MAX_SECONDS
    length = response.headers.get("Content-Length", "")
    data = bytearray()
    while True:
        if len(data) > max_bytes or (length.isdecimal() and int(length) > max_bytes):
            raise InputError(f"The file of {host} is larger than {max_bytes / 1e6:g} MB.")
        if time.monotonic() > end:
            raise InputError(f"The file of {host} takes longer than {MAX_SECONDS} s.")
        chunk = response.read1(_CHUNK, decode_content=False)
        if not chunk:
            return bytes(data)
        data += chunk
