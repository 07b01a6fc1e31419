"""Links that strangers paste: what is fetched, what is refused, and that nothing inside is reached."""

import datetime
import http.server
import socket
import socketserver
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from zoo.app.services import safe_fetch
from zoo.core.errors import InputError


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by path; notes what it was asked."""

    protocol_version = "HTTP/1.1"
    requests: ClassVar[list[str]] = []
    hosts: ClassVar[list[str]] = []

    def do_GET(self):
        self.requests.append(self.path)
        self.hosts.append(self.headers["Host"])
        getattr(self, self.path.strip("/").split("/")[0], self.missing)()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def missing(self):
        self.answer(404)

    def file(self):
        self.answer(200, b"hello")

    def empty(self):
        self.answer(200)

    def chunks(self):
        self.answer(200, b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Transfer_Encoding="chunked")

    def endless(self):
        self.answer(200, b"400\r\n" + bytes(1024) + b"\r\n", Transfer_Encoding="chunked")
        with suppress(OSError):  # the reader goes
            while True:
                self.wfile.write(b"400\r\n" + bytes(1024) + b"\r\n")

    def drips(self):
        self.answer(200, b"1\r\na\r\n", Transfer_Encoding="chunked")
        with suppress(OSError):
            for _ in range(100):
                time.sleep(0.05)
                self.wfile.write(b"1\r\na\r\n")

    def short(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"hello")
        self.close_connection = True

    def moved(self):
        self.answer(302, Location="/file/a.jpg")

    def loop(self):
        self.answer(302, Location="/loop")

    def inside(self):
        self.answer(302, Location=f"http://127.0.0.1:{self.server.server_port}/file/secret")

    def local_file(self):
        self.answer(302, Location="file:///etc/hostname")

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    Site.requests.clear()
    Site.hosts.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def local(monkeypatch):
    monkeypatch.setenv("ZOO_LOCAL_LINKS", "1")


@pytest.mark.usefixtures("local")
def test_files_are_fetched(site):
    assert safe_fetch.fetch(f" {site}/file/a%20cat.jpg?size=large ") == ("a cat.jpg", b"hello")
    assert safe_fetch.fetch(f"{site}/chunks/b.jpg").data == b"hello"
    assert safe_fetch.fetch(f"{site}/moved/c.jpg") == ("c.jpg", b"hello")


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("absent", r"127.0.0.1 answers 404 \(Not Found\)\."),
        ("empty", "nothing at this link"),
        ("endless", "larger than 0.002 MB"),
        ("loop", "more than 5 times"),
        ("short", "breaks off"),
        ("local_file", "begin with http"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(site, path, words):
    with pytest.raises(InputError, match=words):
        safe_fetch.fetch(f"{site}/{path}", max_bytes=2000)


@pytest.mark.usefixtures("local")
def test_limits(site, monkeypatch):
    with pytest.raises(InputError, match="larger than"):
        safe_fetch.fetch(f"{site}/file/a.jpg", max_bytes=4)
    assert safe_fetch.fetch(f"{site}/file/a.jpg", max_bytes=5).data == b"hello"
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", 0.3)
    with pytest.raises(InputError, match="takes longer"):
        safe_fetch.fetch(f"{site}/drips")
    monkeypatch.setattr(safe_fetch, "_SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(InputError, match="in time"):
            safe_fetch.fetch(f"http://127.0.0.1:{port}/")
    with pytest.raises(InputError, match="cannot be reached"):
        safe_fetch.fetch(f"http://127.0.0.1:{port}/")
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(InputError, match="ZOO_OFFLINE"):
        safe_fetch.fetch(f"{site}/file/a.jpg")


@pytest.mark.parametrize(
    "url",
    ["", "cat.jpg", "ftp://example.org/a", "file:///etc/passwd", "http://", "http://[", "http://a:99999/"],
)
def test_what_is_no_link(url):
    with pytest.raises(InputError, match="must begin with http"):
        safe_fetch.fetch(url)


def test_no_names_and_passwords():
    with pytest.raises(InputError, match="password"):
        safe_fetch.fetch("http://me:secret@example.org/a.jpg")


class Door(socketserver.BaseRequestHandler):
    """Notes every connection, whatever is said on it."""

    def handle(self):
        self.server.connections += 1


class DoorServer(socketserver.ThreadingTCPServer):
    connections = 0


class DoorServer6(DoorServer):
    address_family = socket.AF_INET6


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "2130706433", "0x7f.1", "0x7f000001", "127.1", "0177.0.0.1",
        "0", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
    ],
)  # fmt: skip
def test_this_machine_never_gets_a_connection_however_it_is_called(scheme, host):
    with DoorServer(("127.0.0.1", 0), Door) as door:
        threading.Thread(target=door.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(InputError):
            safe_fetch.fetch(f"{scheme}://{host}:{door.server_address[1]}/file/a.jpg")
        door.shutdown()
        assert door.connections == 0


def test_nor_by_its_address_of_version_6():
    with DoorServer6(("::1", 0), Door) as door:
        threading.Thread(target=door.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(InputError, match="private network"):
            safe_fetch.fetch(f"http://[::1]:{door.server_address[1]}/file/a.jpg")
        door.shutdown()
        assert door.connections == 0


def test_a_redirect_from_a_public_host_to_the_inside_is_not_followed(site, monkeypatch):
    """The host "public" resolves to this machine, and only the port of the test counts as public for it."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **k: resolve("127.0.0.1" if host == "public" else host, *a, **k),
    )
    answers = iter([True, False])
    monkeypatch.setattr(safe_fetch, "is_public", lambda address: next(answers))
    with pytest.raises(InputError, match=r"127.0.0.1 is in a private network"):
        safe_fetch.fetch(site.replace("127.0.0.1", "public") + "/inside")
    assert Site.requests == ["/inside"]


def test_a_host_with_one_public_and_one_private_address_is_refused(site, monkeypatch):
    entries = [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(InputError, match="private network"):
        safe_fetch.fetch("http://example.org/a.jpg")


@pytest.fixture
def names(monkeypatch):
    """Every name leads to this machine when asked for the first time; gives the names that were asked for."""
    hosts, resolve = [], socket.getaddrinfo

    def getaddrinfo(host, *rest, **options):
        is_second = host in hosts
        hosts.append(host)
        return resolve("192.0.2.1" if is_second and host[-1].isalpha() else "127.0.0.1", *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(safe_fetch, "is_public", lambda address: True)
    return hosts


def test_the_connection_goes_to_the_address_that_was_checked(site, names):
    """And not to the name, which could be answered otherwise the second time."""
    port = site.rpartition(":")[2]
    assert safe_fetch.fetch(f"http://example.org:{port}/file/a.jpg").data == b"hello"
    assert names == ["example.org", "127.0.0.1"]
    assert Site.hosts == [f"example.org:{port}"]


@pytest.mark.parametrize(("owner", "fetched"), [("example.org", True), ("attacker.example", False)])
def test_a_certificate_must_have_the_name_of_the_link(names, monkeypatch, tmp_path, owner, fetched):
    certificate = certificate_of(owner, tmp_path)
    monkeypatch.setattr(requests.certs, "where", lambda: str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    hosts = []
    context.sni_callback = lambda _socket, name, _context: hosts.append(name)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        link = f"https://example.org:{server.server_port}/file/a.jpg"
        if fetched:
            assert safe_fetch.fetch(link).data == b"hello"
        else:
            with pytest.raises(InputError, match="cannot be reached"):
                safe_fetch.fetch(link)
        server.shutdown()
    assert hosts == ["example.org"]


def certificate_of(host: str, folder: Path) -> Path:
    """A certificate of a host, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses(address):
    assert safe_fetch.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b:1::1",
    ],
)  # fmt: skip
def test_addresses_of_private_networks(address):
    assert not safe_fetch.is_public(address)
