"""Who gets in: hosts and origins, tokens and roles, rates and sizes; and what every answer tells browsers."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from lookalike.errors import QueryError
from lookalike.server.rate import MOST_ADDRESSES, Rate
from lookalike.server.settings import Limits, Role, Token, is_loopback
from lookalike.server.tokens import SESSION_SECONDS, parse_token, role_of_secret, role_of_session, session_of
from visits import TOKENS, jpeg

ALL = tuple(TOKENS.values())
READ = "/api/v1/pictures/1"
ROUTES = {
    Role.visitor: [
        ("GET", READ),
        ("GET", f"{READ}/thumbnail"),
        ("GET", "/api/v1/pictures"),
        ("GET", "/api/v1/collection"),
        ("GET", "/api/v1/collection/facets"),
        ("GET", "/api/v1/map"),
        ("POST", "/api/v1/search"),
        ("POST", "/api/v1/compare"),
    ],
    Role.read: [
        ("GET", f"{READ}/original"),
        ("GET", "/api/v1/duplicates"),
        ("GET", "/api/v1/failures"),
        ("GET", "/api/v1/models"),
        ("GET", "/api/v1/evaluation"),
        ("GET", "/api/v1/jobs"),
        ("GET", "/api/v1/jobs/1/events"),
        ("GET", "/metrics"),
    ],
    Role.write: [
        ("POST", "/api/v1/pictures"),
        ("DELETE", "/api/v1/pictures/999"),
        ("POST", "/api/v1/jobs"),
        ("DELETE", "/api/v1/jobs/1"),
    ],
    Role.admin: [
        ("POST", "/api/v1/duplicates/plans"),
        ("GET", "/api/v1/duplicates/plans/1"),
        ("POST", "/api/v1/duplicates/plans/1/apply"),
        ("POST", "/api/v1/duplicates/plans/1/undo"),
        ("GET", "/api/v1/evaluation/report"),
    ],
}
FREE = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/v1/session"), ("POST", "/api/v1/session")}


def ask(server, method, path, **options):
    return server.request(method, path, **({"json": {}} if method == "POST" else {}), **options)


@pytest.mark.parametrize("role", [Role.none, Role.visitor, *TOKENS])
def test_each_role_may_do_what_it_may_and_no_more(served, bearing, role):
    server = served(tokens=ALL, public=role is Role.visitor, limits=Limits(rate=10_000))
    headers = bearing(role) if role in TOKENS else {}
    for needed, routes in ROUTES.items():
        for method, path in routes:
            status = ask(server, method, path, headers=headers).status_code
            expected = "let in" if role >= needed else 401 if role in (Role.none, Role.visitor) else 403
            assert status == expected if expected != "let in" else status not in (401, 403), (method, path, status)


def test_every_route_needs_a_role_but_those_that_tell_nothing(server):
    """A route that is added without a thought of who may use it fails here."""
    known = {
        (method, path.replace("/1", "/{id}").replace("999", "{id}")) for r in ROUTES.values() for method, path in r
    }
    document = server.get("/api/v1/openapi.json").json()
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    others = {("GET", "/api/v1/map/{kind}/{number}"), ("GET", "/api/v1/jobs/{id}"), ("DELETE", "/api/v1/session")}
    assert {one for one in there if one not in known | FREE | others} == set()


def test_without_tokens_this_machine_is_admin(served):
    server = served()
    assert server.get("/api/v1/session").json()["role"] == "admin"
    proxied = server.get("/api/v1/session", headers={"X-Forwarded-For": "203.0.113.9"})
    assert proxied.status_code == 403 and "--token" in proxied.json()["message"]


def test_a_public_server_makes_nobody_admin(served):
    assert served(public=True).get("/api/v1/session").json()["role"] == "visitor"


def test_a_wrong_token_is_refused_also_on_a_public_server(served):
    server = served(tokens=ALL, public=True)
    for secret in ("wrong", "", "secret-of-admin-012345678", "secret-of-admin-01234567890", "\u00fc" * 20):
        header = {"Authorization": f"Bearer {secret}x".encode()}
        assert server.get(READ, headers=header).status_code == 401


def test_a_page_exchanges_its_token_for_a_cookie_that_does_not_hold_it(served, bearing):
    server = served(tokens=ALL)
    answer = server.post("/api/v1/session", headers=bearing(Role.write))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKENS[Role.write].secret not in cookie
    assert server.get("/api/v1/session").json()["role"] == "write"
    assert server.get(READ).status_code == 200
    server.delete("/api/v1/session")
    assert server.get(READ).status_code == 401
    assert server.post("/api/v1/session").status_code == 401


def test_a_cookie_is_of_its_token_and_its_time():
    token, now = TOKENS[Role.read], 1_800_000_000.0
    cookie = session_of(token, now)
    assert role_of_session(ALL, cookie, now + SESSION_SECONDS - 5) is Role.read
    assert role_of_session(ALL, cookie, now + SESSION_SECONDS + 5) is Role.none
    assert role_of_session([TOKENS[Role.admin]], cookie, now) is Role.none
    later = f"{int(now) + 10**9}.{cookie.partition('.')[2]}"
    for wrong in (later, "", ".", "1.", "x.y", cookie[:-1], "9" * 50 + ".a", f"{cookie}\u00fc"):
        assert role_of_session(ALL, wrong, now) is Role.none


def test_tokens_are_read_with_their_role_and_never_shown():
    assert parse_token("read:0123456789abcdef") == Token(Role.read, "0123456789abcdef")
    assert parse_token("0123456789abcdef").role is Role.admin
    assert parse_token("other:0123456789abcdef") == Token(Role.admin, "other:0123456789abcdef")
    assert "0123456789abcdef" not in repr(parse_token("0123456789abcdef"))
    for wrong in ("", "short", "read:short", "with spaces in it, many", "\u00fc" * 20, "read:" + "a" * 15):
        with pytest.raises(QueryError) as caught:
            parse_token(wrong)
        assert not wrong or wrong not in str(caught.value)
    assert role_of_secret(ALL, TOKENS[Role.admin].secret) is Role.admin
    assert role_of_secret((), "") is Role.none


def test_every_token_is_compared_whichever_fits(monkeypatch):
    import hmac

    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append(a) or real(a, b))
    for secret in ("wrong", *(token.secret for token in ALL)):
        compared.clear()
        role_of_secret(ALL, secret)
        assert len(compared) == len(ALL)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "192.168.1.7", "@"]
)
def test_a_name_that_points_here_gets_nothing(server, host):
    answer = server.get(READ, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]) == (421, "WrongHost")


@pytest.mark.parametrize("host", ["127.0.0.1:8008", "localhost", "LOCALHOST:9", "[::1]:8008", "127.0.0.2"])
def test_this_machine_by_any_of_its_names(server, host):
    assert server.get(READ, headers={"Host": host}).status_code == 200


def test_names_that_were_given_are_known(served, bearing):
    server = served(tokens=ALL, host="0.0.0.0", hosts=("Photos.example.org",))
    for host, status in (("photos.example.org", 200), ("192.168.1.7:8008", 200), ("other.example.org", 421)):
        assert server.get(READ, headers={"Host": host, **bearing(Role.read)}).status_code == status


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8008", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_other_sites_may_not_ask(server, origin, method):
    answer = ask(server, method, "/api/v1/search" if method == "POST" else READ, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["error"]) == (403, "WrongOrigin")
    assert "access-control-allow-origin" not in answer.headers


def test_a_form_of_another_site_that_hides_its_origin_is_refused(server):
    for site in ("cross-site", "same-site"):
        answer = server.post("/api/v1/search", files={"image": b"x"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        image = server.get(f"{READ}/thumbnail", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
        assert image.status_code == 403
        followed = server.get("/healthz", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
        assert followed.status_code == 200


def test_the_own_page_may_ask(server):
    answer = server.post("/api/v1/search", json={"id": 1}, headers={"Origin": "http://127.0.0.1:8008"})
    assert answer.status_code == 200


def test_sites_that_were_named_may_ask_and_others_may_not(served, bearing):
    site = "https://gallery.example"
    server = served(tokens=ALL, public=True, origins=(site,))
    answer = server.post("/api/v1/search", json={"id": 1}, headers={"Origin": site})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == site
    assert "access-control-allow-credentials" not in answer.headers and answer.headers["vary"] == "Origin"
    before = server.options("/api/v1/search", headers={"Origin": site, "Access-Control-Request-Method": "POST"})
    assert before.status_code == 204 and "Authorization" in before.headers["access-control-allow-headers"]
    assert server.get(f"{READ}/thumbnail").headers["cross-origin-resource-policy"] == "cross-origin"
    for other in (f"{site}.evil.example", "http://gallery.example", "https://gallery.example:8443"):
        assert server.post("/api/v1/search", json={"id": 1}, headers={"Origin": other}).status_code == 403


def test_every_answer_forbids_what_browsers_might_do(server):
    for path in (READ, f"{READ}/thumbnail", f"{READ}/original", "/nowhere", "/healthz", "/api/v1/pictures/0"):
        headers = server.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin" and "server" not in headers
        assert not headers["content-type"].startswith(("text/html", "image/svg"))


def test_a_fault_of_our_own_tells_strangers_nothing(served, monkeypatch):
    server = served(raises=False)
    monkeypatch.setattr("lookalike.Collection.record", lambda *_: 1 / 0)
    answer = server.get(READ)
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalError")
    assert "division" not in answer.text and "default-src 'none'" in answer.headers["content-security-policy"]


def test_visitors_see_no_paths_and_no_places(served, album, pictures, bearing):
    for settings, headers in (({"public": True}, {}), ({}, bearing(Role.read)), ({}, bearing(Role.write))):
        server = served(tokens=ALL, **settings)
        answers = [
            server.get(path, headers=headers).text
            for path in (READ, "/api/v1/pictures", "/api/v1/collection", "/api/v1/collection/facets", "/readyz")
        ]
        answers.append(server.post("/api/v1/search", json={"id": 1}, headers=headers).text)
        answers += [
            server.get("/api/v1/jobs", headers=headers).text,
            server.get("/api/v1/pictures/77", headers=headers).text,
        ]
        for text in answers:
            assert str(pictures) not in text and str(pictures.parent) not in text and str(album) not in text
        known = server.get(READ, headers=headers).json()
        assert known["path"] == f"{pictures.name}/{known['name']}"


def test_a_collection_that_is_gone_is_not_named_to_visitors(served, own):
    from visits import gone

    collection, _ = own
    server = served(collection, public=True)
    gone(collection)
    answer = server.get(READ)
    assert answer.status_code == 503 and str(collection.parent) not in answer.text


def test_visitors_do_not_learn_where_pictures_were_taken(served, bearing, monkeypatch):
    from dataclasses import replace

    from lookalike import Collection

    real = Collection.record
    monkeypatch.setattr("lookalike.Collection.record", lambda *a: replace(real(*a), latitude=52.5, longitude=13.4))
    server = served(tokens=ALL, public=True)
    assert server.get(READ).json()["latitude"] is None
    assert server.get(READ, headers=bearing(Role.read)).json()["latitude"] == 52.5


@pytest.fixture
def still(monkeypatch):
    """A clock that stands still, however slow the machine is."""
    monkeypatch.setattr("lookalike.server.guard.time", SimpleNamespace(monotonic=lambda: 0.0))


def test_visitors_are_slowed_down_and_those_with_a_token_are_not(served, bearing, still):
    server = served(tokens=ALL, public=True, limits=Limits(rate=20))
    statuses = [server.get(READ).status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10 and statuses[-1] == 429
    refused = server.get(READ)
    assert refused.json()["error"] == "TooManyRequests" and int(refused.headers["retry-after"]) >= 1
    assert server.get("/healthz").status_code == 200
    assert [server.get(READ, headers=bearing(Role.read)).status_code for _ in range(30)] == [200] * 30


def test_a_page_of_thumbnails_costs_little_of_a_visitors_rate(served, still):
    server = served(public=True, limits=Limits(rate=20))
    assert [server.get(f"{READ}/thumbnail").status_code for _ in range(80)] == [200] * 80
    assert 429 in [server.get(f"{READ}/thumbnail").status_code for _ in range(40)]


def test_guessing_tokens_is_slowed_down(served, still):
    server = served(tokens=ALL, limits=Limits(rate=20))
    statuses = [server.get(READ, headers={"Authorization": f"Bearer guess-{n}"}).status_code for n in range(15)]
    assert statuses[:10] == [401] * 10 and statuses[-1] == 429


def test_a_rate_is_of_an_address_and_remembers_only_so_many():
    rate = Rate(60)
    taken = [rate.take("192.0.2.1", 0.0) for _ in range(31)]
    assert taken[:30] == [0.0] * 30 and taken[30] == pytest.approx(1.0)
    assert rate.take("192.0.2.2", 0.0) == 0.0 and rate.take("192.0.2.1", 1.1) == 0.0
    for n in range(30):
        assert rate.take(f"2001:db8::{n}", 0.0) == 0.0
    assert rate.take("2001:db8::ffff", 0.0) > 0.0, "addresses of one subscriber count together"
    assert rate.take("2001:db8:0:1::1", 0.0) == 0.0 and rate.take("testclient", 0.0) == 0.0
    for n in range(MOST_ADDRESSES + 10):
        rate.take(str(n), 0.0)
    assert len(rate._left) == MOST_ADDRESSES


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(served):
    server = served(limits=Limits(upload_bytes=10_000))
    big = b"x" * 20_000

    def pieces():
        for _ in range(20):
            yield b"y" * 1000

    for options in ({"files": {"image": big}}, {"content": pieces(), "headers": {"Content-Type": "application/json"}}):
        answer = server.post("/api/v1/search", **options)
        assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")
    assert (
        server.post("/api/v1/jobs", content=pieces(), headers={"Content-Type": "application/json"}).status_code == 413
    )
    assert server.post("/api/v1/search", files={"image": jpeg_of(60)}).status_code == 200


def jpeg_of(side):
    import numpy as np
    import PIL.Image

    return jpeg(PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)))


def test_which_addresses_only_this_machine_reaches():
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.9.9.9")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.1.example.org")))


def test_too_many_searches_are_told_to_come_back(served):
    import threading

    server = served(limits=Limits(searches=1, queue=1))
    go_on = threading.Event()

    def slow(*_, **__):
        go_on.wait(120)
        raise QueryError("never mind")

    import unittest.mock

    with unittest.mock.patch("lookalike.Collection.search", slow):
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(server.post("/api/v1/search", json={"text": "x"})))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        room = server.app.state.services.library._searching._room
        while room._value:  # one is being answered, one waits
            time.sleep(0.01)
        answer = server.post("/api/v1/search", json={"text": "x"})
        assert answer.status_code == 503
        assert answer.json()["error"] == "Busy" and int(answer.headers["retry-after"]) >= 1
        assert server.get("/healthz").status_code == 200
        assert server.get(READ).status_code == 200, "looks have a queue of their own"
        go_on.set()
        for thread in threads:
            thread.join()
    assert [one.status_code for one in answers] == [400, 400]
