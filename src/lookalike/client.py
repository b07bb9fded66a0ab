"""Client: a collection that `lookalike serve` serves elsewhere, asked as a Collection is."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from lookalike.errors import CollectionError, ImageError, LookalikeError, ModelError, QueryError

if TYPE_CHECKING:
    import httpx2

    from lookalike.contents import Facet, Info
    from lookalike.duplicates import Group
    from lookalike.ingest.run import IndexReport
    from lookalike.pictures.open import Source
    from lookalike.progress import Progress
    from lookalike.query.parse import Term
    from lookalike.search.match import Match, Matches
    from lookalike.store.catalogue import Record

API = "/api/v1"
TRIES = 4
LONGEST_WAIT = 10.0
PAGE = 1000
PATIENCE = 30  # seconds that the server may take to answer while pictures are indexed
T = TypeVar("T")


class ServerError(LookalikeError):
    """An answer that no call of a Collection has: not allowed, not found, too large. status: of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Client:
    """A served collection.

        with Client("http://127.0.0.1:8008") as album:
            for match in album.search("query.jpg"):
                print(match.score, match.label, match.path)

    Calls, answers and errors are those of Collection; pictures of queries are read here and uploaded. A server that is
    busy is asked again a few times. Any number of threads may share a Client. Needs the extra `serve`.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8008",
        token: str | None = None,
        *,
        timeout: float = 60.0,
        http: httpx2.Client | None = None,
    ) -> None:
        """url: of the server. token: of those that it was started with. timeout: seconds without a byte. http: to ask
        by instead of one of its own."""
        if http is None:
            try:
                import httpx2
            except ImportError as error:
                from lookalike.extras import how_to_install

                raise LookalikeError(f"asking a server needs httpx2: {how_to_install('serve')}") from error
            http = httpx2.Client(base_url=url, timeout=timeout)
        self.url = url
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def __len__(self) -> int:
        """How many pictures can be found."""
        return int(self._ask("GET", "/pictures", params={"limit": 1})["total"])

    @property
    def methods(self) -> list[str]:
        """Names of the methods that the collection holds."""
        return [method.name for method in self.info().methods]

    # -- looking

    def search(
        self,
        image: Source | None = None,
        *,
        text: str | None = None,
        query: str | Sequence[Term] | None = None,
        id: int | None = None,
        url: str | None = None,
        k: int = 10,
        offset: int = 0,
        methods: str | Sequence[str] = "auto",
        radius: float | None = None,
        region: Sequence[float] | None = None,
        where: str | None = None,
        index: str = "auto",
        max_expected_false: float | None = None,
        exclude_self: bool = False,
    ) -> Matches:
        """The pictures that answer a question, best first; see Collection.search.

        url: the address of a picture, which the server fetches. offset: how many of the best to leave out.
        """
        from lookalike.query.parse import Term, parse_query

        terms = list(parse_query(query) if isinstance(query, str) else query or ())
        if image is not None:
            terms.append(Term("image", image))
        uploads = [_upload(term.value) for term in terms if term.kind == "image"]
        places = iter(range(len(uploads)))
        asked = {
            "text": text,
            "id": id,
            "url": url,
            "k": k,
            "offset": offset,
            "methods": [methods] if isinstance(methods, str) else list(methods),
            "radius": radius,
            "region": None if region is None else [float(number) for number in region],
            "where": where,
            "index": index,
            "max_expected_false": max_expected_false,
            "exclude_self": exclude_self,
            "terms": [
                {"kind": t.kind, "value": next(places) if t.kind == "image" else t.value, "weight": t.weight}
                for t in terms
            ],
        }
        return _matches(self._ask("POST", "/search", asked, uploads))

    def duplicates(
        self, *, max_expected_false: float = 0.01, progress: Callable[[Progress], None] | None = None
    ) -> list[Group]:
        """Groups of copies, looked for now; see Collection.duplicates. Needs a token that may write."""
        from lookalike.duplicates import Group, Member

        self._job({"kind": "duplicates", "max_expected_false": max_expected_false}, progress)
        return [
            _made(Group, {**group, "members": [_made(Member, one) for one in group["members"]]})
            for group in self._pages("/duplicates", "groups", 500)
        ]

    def record(self, id: int) -> Record | None:
        """What is known of a picture."""
        from lookalike.store.catalogue import Record

        try:
            return _made(Record, self._ask("GET", f"/pictures/{int(id)}"))
        except ServerError as error:
            if error.status == 404:
                return None
            raise

    def records(self, where: str | None = None) -> Iterator[Record]:
        """All pictures that can be found, or those for which a filter holds, by ascending id."""
        from lookalike.store.catalogue import Record

        for one in self._pages("/pictures", "pictures", PAGE, {} if where is None else {"where": where}):
            yield _made(Record, one)

    def thumbnail(self, id: int, size: int = 320) -> bytes:
        """A small version of a picture, a WebP whose longest side is the next of 160, 320, 640, 1280."""
        return self._send("GET", f"/pictures/{int(id)}/thumbnail", params={"size": size}).content

    def original(self, id: int) -> bytes:
        """The bytes of a picture's file. Needs a token that may read."""
        return self._send("GET", f"/pictures/{int(id)}/original").content

    def info(self) -> Info:
        """What the collection holds."""
        from lookalike.contents import Info, MethodInfo

        found = self._ask("GET", "/collection")
        return _made(Info, {**found, "methods": [_made(MethodInfo, one) for one in found["methods"]]})

    def facets(self, field: str) -> list[Facet]:
        """The most frequent values of folder, year, camera, format or orientation."""
        from lookalike.contents import Facet

        found = self._ask("GET", "/collection/facets")
        if field not in found:
            raise QueryError(f"no facet {field[:40]!r}: there are {', '.join(found)}")
        return [_made(Facet, one) for one in found[field]]

    def failures(self) -> list[tuple[str, str]]:
        """(path, reason) of the files that could not be read. Needs a token that may read."""
        return [(one["path"], one["reason"]) for one in self._pages("/failures", "failures", PAGE)]

    # -- filling; all of it needs a token that may write

    def add(self, *images: Source) -> list[Record]:
        """Upload pictures, which the server keeps and indexes; what is known of them. ImageError for the first that is
        no picture, unless others are."""
        from lookalike.store.catalogue import Record

        uploads = [_upload(image) for image in images]
        answer = self._ask("POST", "/pictures", {"wait": PATIENCE}, uploads)
        while answer["job"]["state"] != "done":
            self._wait(answer["job"], None)
            answer = self._ask("POST", "/pictures", {"wait": PATIENCE}, uploads)  # the same again is only looked up
        return [_made(Record, one) for one in answer["pictures"]]

    def index(
        self,
        paths: Sequence[str] = (),
        *,
        methods: Sequence[str] = (),
        retry: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Bring the collection up to date with folders of the server's machine; see Collection.index."""
        from lookalike.ingest.run import Failure, IndexReport

        asked = {"kind": "index", "paths": list(map(os.fspath, paths)), "methods": list(methods), "retry": retry}
        result = self._job(asked, progress)["result"]
        files = {name: [_made(Failure, one) for one in result[name]] for name in ("failed", "damaged")}
        return _made(IndexReport, {**result, **files})

    def remove(self, ids: Sequence[int]) -> int:
        """Take pictures out of the collection (never off the disk); how many were in it."""
        removed = 0
        for id_ in ids:
            try:
                self._send("DELETE", f"/pictures/{int(id_)}")
                removed += 1
            except ServerError as error:
                if error.status != 404:
                    raise
        return removed

    # -- asking

    def _job(self, asked: Mapping[str, Any], progress: Callable[[Progress], None] | None) -> dict[str, Any]:
        return self._wait(self._ask("POST", "/jobs", asked), progress)

    def _wait(self, job: dict[str, Any], progress: Callable[[Progress], None] | None) -> dict[str, Any]:
        """A job once it is done; its error when it has failed."""
        from lookalike.progress import Progress

        with self._http.stream("GET", f"{API}/jobs/{job['id']}/events", headers=self._headers) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    job = json.loads(line[6:])
                    if progress and job["progress"]:
                        progress(_made(Progress, job["progress"]))
        if job["state"] != "done":
            raise _error(409, job["error"] or "", job["message"] or f"the job was {job['state']}", {})
        return job

    def _pages(
        self, path: str, name: str, size: int, params: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        offset, total = 0, 1
        while offset < total:
            page = self._ask("GET", path, params={**(params or {}), "offset": offset, "limit": size})
            yield from page[name]
            offset, total = offset + size, page["total"]

    def _ask(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any] | None = None,
        uploads: Sequence[tuple[str, bytes]] = (),
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON of an answer."""
        if uploads:
            form = {name: _field(value) for name, value in (asked or {}).items() if value is not None and value != []}
            files = [("image", upload) for upload in uploads]
            answer = self._send(method, path, data=form, files=files)
        elif asked is not None:
            answer = self._send(method, path, json={k: v for k, v in asked.items() if v is not None})
        else:
            answer = self._send(method, path, params=params)
        found: dict[str, Any] = answer.json()
        return found

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """An answer that is a success; else what a Collection would raise."""
        import httpx2

        for attempt in range(TRIES):
            try:
                answer = self._http.request(method, API + path, headers=self._headers, **options)
            except httpx2.HTTPError as error:
                raise LookalikeError(f"{self.url} does not answer ({error}): is `lookalike serve` running?") from error
            if answer.status_code not in (429, 503) or attempt == TRIES - 1:
                break
            time.sleep(min(LONGEST_WAIT, _seconds(answer.headers.get("retry-after"))))
        if answer.is_success:
            return answer
        try:
            told = answer.json()
            raise _error(answer.status_code, told["error"], told["message"], told)
        except (ValueError, KeyError, TypeError):
            raise ServerError(answer.status_code, f"{self.url} is no lookalike server ({answer.status_code})") from None


def _error(status: int, name: str, message: str, told: Mapping[str, Any]) -> LookalikeError:
    """The exception that an answer stands for."""
    if name == "ImageError":
        return ImageError(str(told.get("path")), str(told.get("reason") or message))
    known = {"QueryError": QueryError, "ModelError": ModelError, "CollectionError": CollectionError}
    return known[name](message) if name in known else ServerError(status, message)


def _matches(answer: Mapping[str, Any]) -> Matches:
    from lookalike.search.match import Match, Matches, Step
    from lookalike.significance.evidence import Evidence

    def match(one: Mapping[str, Any]) -> Match:
        return _made(Match, {**one, "evidence": [_made(Evidence, part) for part in one["evidence"]]})

    def step(one: Mapping[str, Any]) -> Step:
        nearest = None if one["nearest"] is None else _made(Evidence, one["nearest"])
        return _made(Step, {**one, "nearest": nearest})

    return Matches(map(match, answer["matches"]), answer["notes"], map(step, answer["steps"]))


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass of the fields it knows: a newer server may tell more."""
    known = {one.name for one in fields(kind) if one.init}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in known})


def _upload(source: Any) -> tuple[str, bytes]:
    """A picture's name and bytes. ImageError for a file that cannot be read."""
    from lookalike.pictures.open import describe_source

    name = describe_source(source)
    if isinstance(source, bytes):
        return name, source
    if isinstance(source, str | os.PathLike):
        try:
            with open(source, "rb") as file:
                return os.path.basename(name), file.read()
        except OSError as error:
            raise ImageError(source, (error.strerror or str(error)).lower()) from error
    if hasattr(source, "read"):
        return name, source.read()
    import PIL.Image

    from lookalike.pictures.pixels import array_to_picture

    picture = source if isinstance(source, PIL.Image.Image) else array_to_picture(source)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return name, out.getvalue()


def _field(value: Any) -> str:
    """A value as a field of a form."""
    if isinstance(value, list):
        return ",".join(map(str, value)) if not value or not isinstance(value[0], dict) else json.dumps(value)
    return str(value)


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0
