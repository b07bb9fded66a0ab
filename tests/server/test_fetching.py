"""Search by URL: only the open internet is asked, by the very address that was judged, for pictures, within limits."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lookalike.server.fetch import Fetcher, FetchError, is_public
from lookalike.server.settings import Limits
from samples import photo
from visits import jpeg

PICTURE = jpeg(photo("coffee.png"))
# fmt: off
INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "5f00::1", "3fff::1",
]
OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"
]
# fmt: on


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_of_networks_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_of_the_internet_are(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/"),
        *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://0/", "http://localhost/"),
        *("http://169.254.169.254/latest/meta-data/", "http://[fe80::1%25lo]/", "https://127.0.0.1/", "http://0x7f.1/"),
        *("http://[64:ff9b::7f00:1]/", "http://10.0.0.1/", "http://\u2460\u2461\u2466.0.0.1/", "http://127.0.0.1./"),
        *("http://127.0.0.1:80/", "http://LOCALHOST/", "http://127\u30020.0.1/"),
    ],
)
def test_no_way_of_writing_an_inner_address_leads_there(url, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("connected"))
    with pytest.raises(FetchError) as caught:
        Fetcher(1000, 5).fetch(url)
    assert (
        "inside" in str(caught.value) or "cannot be reached" in str(caught.value) or "no address" in str(caught.value)
    )


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://example.org/a.jpg",
            "gopher://example.org/",
            "data:image/png;base64,AA",
            "//x/y",
        ),
        *(
            "",
            "x",
            "http://",
            "http:///a",
            "https://user:secret@example.org/",
            "http://example.org:22/",
            "jar:http://a/",
        ),
        *(
            "http://example.org:99999/",
            "http://example.org/\r\nHost: x",
            "http://exa mple.org/",
            "http://[::1",
            "http://a\0",
        ),
        "http://" + "a" * 300 + ".org/",
    ],
)
def test_what_is_not_asked_at_all(url, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    with pytest.raises(FetchError) as caught:
        Fetcher(1000, 5).fetch(url)
    assert "secret" not in str(caught.value)


def test_a_name_with_one_inner_address_is_not_asked_at_any(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: both)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("connected"))
    with pytest.raises(FetchError, match="inside"):
        Fetcher(1000, 5).fetch("http://example.org/")


def test_a_name_is_resolved_once_and_connected_to_what_was_judged(monkeypatch):
    asked, connected = [], []

    def resolve(host, port, **_):
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"  # as a rebinding name server answers
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(self, address):
        connected.append(address)
        raise OSError("no internet here")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr("socket.socket.connect", connect)
    with pytest.raises(FetchError, match="cannot be reached"):
        Fetcher(1000, 5).fetch("http://example.org/")
    assert (asked, connected) == (["example.org"], [("8.8.8.8", 80)])


AWAY = {"/inside": "http://169.254.169.254/", "/there": "/a.jpg", "/file": "file:///etc/passwd", "/loop": "/loop"}


class Site(BaseHTTPRequestHandler):
    """A web server with a path for every bad habit."""

    seen: list[dict[str, str]] = []  # noqa: RUF012

    def do_GET(self):
        self.seen.append(dict(self.headers))
        kind, status, body, more = "image/jpeg", 200, PICTURE, {}
        match self.path.split("?")[0]:
            case "/html":
                kind, body = "text/html", b"<script>"
            case "/svg":
                kind, body = "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
            case "/missing":
                status = 404
            case "/gzip":
                more = {"Content-Encoding": "gzip"}
            case "/large":
                more, body = {"Content-Length": "99999999"}, b""
            case "/endless":
                self.endless()
                return
            case "/short":
                more = {"Content-Length": str(len(PICTURE) + 10)}
            case "/slow":
                self.slow()
                return
            case "/inside" | "/there" | "/file" | "/loop":
                to = {
                    "/inside": "http://169.254.169.254/",
                    "/there": "/a.jpg",
                    "/file": "file:///etc/passwd",
                    "/loop": "/loop",
                }
                status, more = 302, {"Location": to[self.path]}
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def endless(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(10_000))
        except OSError:
            return

    def slow(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, *_):
        return


@pytest.fixture(scope="module")
def site():
    """The address of a web server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def here(site, most=1_000_000, seconds=60.0):
    """A fetcher that may ask this machine, and no other inner address."""
    port = int(site.rpartition(":")[2])
    return Fetcher(most, seconds, lambda address: str(address) == "127.0.0.1", (80, port))


def test_a_picture_is_fetched_and_nothing_is_told_of_who_asks(site):
    Site.seen.clear()
    fetched = here(site).fetch(f"{site}/some/a%20b.jpg?size=1#part")
    assert fetched.content == PICTURE and fetched.name == "a%20b.jpg"
    (headers,) = Site.seen
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert here(site).fetch(f"{site}/there").content == PICTURE


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/html", "is no picture"),
        ("/missing", "404"),
        ("/gzip", "compressed"),
        ("/large", "more than"),
        ("/endless", "more than"),
        ("/short", "before it is whole"),
        ("/inside", "inside"),
        ("/file", "http"),
        ("/loop", "other addresses"),
    ],
)
def test_what_is_answered_must_be_a_picture_within_limits(site, path, why):
    with pytest.raises(FetchError, match=why):
        here(site).fetch(site + path)


def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(site):
    with pytest.raises(FetchError, match="too long"):
        here(site, seconds=0.5).fetch(f"{site}/slow")


def test_proxies_of_the_environment_are_not_asked(site, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert here(site).fetch(f"{site}/a.jpg").content == PICTURE


def test_search_by_address(served, site, monkeypatch):
    monkeypatch.setattr("lookalike.server.app.Fetcher", lambda *_: here(site))
    server = served()
    answer = server.post("/api/v1/search", json={"url": f"{site}/a.jpg", "preview": True})
    assert answer.json()["matches"][0]["path"].endswith("coffee.png")
    assert answer.json()["asked"][0]["preview"].startswith("data:image/webp;base64,")
    svg = server.post("/api/v1/search", json={"url": f"{site}/svg"})
    assert (svg.status_code, svg.json()["error"]) == (422, "ImageError")
    for path in ("/html", "/inside"):
        refused = server.post("/api/v1/search", json={"url": site + path})
        assert (refused.status_code, refused.json()["error"]) == (422, "FetchError")


def test_a_server_that_does_not_fetch_says_so(served, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    server = served(fetch=False, limits=Limits())
    answer = server.post("/api/v1/search", json={"url": "http://example.org/a.jpg"})
    assert answer.status_code == 403 and server.get("/api/v1/session").json()["fetch"] is False
