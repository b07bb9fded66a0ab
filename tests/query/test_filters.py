"""Filters: what they mean (against plain Python and SQLite), and that what is typed stays data."""

from __future__ import annotations

import math
import operator
import sqlite3
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import QueryError
from lookalike.query.filters import FIELDS, MAX_DEPTH, MAX_LENGTH, compile_filter
from lookalike.store.connection import folded

REPEATABLE = settings(deadline=None, derandomize=True)
COLUMNS = (
    "id INTEGER PRIMARY KEY, path BLOB, path_text TEXT, sha256 BLOB, bytes INTEGER, mtime_ns INTEGER, format TEXT,"
    " width INTEGER, height INTEGER, taken TEXT, camera TEXT, latitude REAL, longitude REAL, caption TEXT, status TEXT"
)


def matching(where, rows):
    """The ids of the rows (dicts of columns) that SQLite finds with the compiled filter; ids count from 1."""
    found = compile_filter(where)
    database = sqlite3.connect(":memory:")
    database.create_function("folded", 1, folded, deterministic=True)
    database.execute(f"CREATE TABLE images({COLUMNS})")
    for row in rows:
        database.execute(
            f"INSERT INTO images({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )
    ids = [id for (id,) in database.execute(f"SELECT id FROM images WHERE {found.sql} ORDER BY id", found.params)]
    assert database.execute("SELECT count(*) FROM images").fetchone() == (len(rows),)
    database.close()
    return ids


DAYS = [
    "2019-12-31T23:59:59",
    "2020-01-01T00:00:00",
    "2020-05-17T18:30:05",
    "2020-06-01",
    "2020-12-31T23:59:59",
    "2021-01-01",
    None,
]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("taken >= 2020", [2, 3, 4, 5, 6]),
        ("taken > 2020", [6]),
        ("taken = 2020", [2, 3, 4, 5]),
        ("taken != 2020", [1, 6]),
        ("taken <= 2020", [1, 2, 3, 4, 5]),
        ("taken < 2020", [1]),
        ("taken < 2020-06", [1, 2, 3]),
        ("taken = 2020-5", [3]),
        ("taken = 2020-12", [5]),
        ("taken = 2020-05-17", [3]),
        ("taken = 2020-05-17 18:30", [3]),
        ("taken = '2020-05-17T18:30:05'", [3]),
        ("taken > '2020-05-17 18:30:04' and taken < 2020-05-17T18:30:06", [3]),
        ("taken = 17.5.2020", [3]),
        ("taken = '17.05.2020'", [3]),
        ("taken = '2020/05/17'", [3]),
        ("taken = '2020/5'", [3]),
        ("taken = '17 May 2020'", [3]),
        ("taken = 'May 17, 2020'", [3]),
        ("taken = 'may 2020'", [3]),
        ("taken = '17. May 2020'", [3]),
        ("taken between 1.6.2020 and '31 December 2020'", [4, 5]),
        ("taken between 2020-05 and 2020-06", [3, 4]),
        ("taken not between 2020-05 and 2020-06", [1, 2, 5, 6]),
        ("taken in (2019, 2020-06-01)", [1, 4]),
        ("taken not in (2019, 2020)", [6]),
        ("has taken", [1, 2, 3, 4, 5, 6]),
        ("not has taken", [7]),
        ("taken is null or taken is not null", [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_date_is_the_whole_period_that_it_names(where, ids):
    assert matching(where, [{"taken": day} for day in DAYS]) == ids


def test_modified_is_compared_in_local_time():
    noon = datetime(2020, 5, 17, 12, 0, 0)
    rows = [
        {"mtime_ns": int(t.timestamp()) * 10**9 + 5} for t in (noon, noon + timedelta(days=1), datetime(2021, 1, 1))
    ]
    assert matching("modified = 2020-05-17", rows) == [1]
    assert matching("modified > 2020-05-17 12:00:00", rows) == [2, 3]
    assert matching("modified < 2021", rows) == [1, 2]


PATHS = ["/photos/Rome/a.jpg", "/photos/rome/b.png", "/c.jpg", "d.jpg", "/photos/100%/e_f.jpg", "/Отпуск/море.jpg"]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("path like '%/rome/%'", [1, 2]),
        ("path not like '%/rome/%'", [3, 4, 5, 6]),
        ('path LIKE "%.PNG"', [2]),
        ("folder = '/photos/rome'", [1, 2]),
        ("folder = ''", [3, 4]),
        ("name = 'A.jpg'", [1]),
        ("name like '_.jpg'", [1, 3, 4]),
        ("name in ('d.jpg', 'e_f.jpg')", [4, 5]),
        ("name between 'b' and 'd'", [2, 3]),
        ("path != 'D.JPG'", [1, 2, 3, 5, 6]),
        ("path like '%/отпуск/%'", [6]),
        ("name = 'МОРЕ.jpg'", [6]),
    ],
)
def test_text_is_compared_without_regard_to_case(where, ids):
    assert matching(where, [{"path_text": path} for path in PATHS]) == ids


@given(st.lists(st.text("aBÄ/%_.", max_size=8), min_size=1, max_size=6), st.text("abä/%_.", max_size=5), st.data())
@REPEATABLE
def test_asking_the_whole_path_first_changes_nothing(paths, pattern, data):
    """A part of the path is computed only where the whole of it may fit."""
    name = data.draw(st.sampled_from(("folder", "name")))
    negated, operator = data.draw(st.sampled_from(("", "not "))), data.draw(st.sampled_from(("=", "like")))
    part = (lambda path: path.rpartition("/")[0].rstrip("/")) if name == "folder" else lambda p: p.rpartition("/")[2]
    rows = [{"path_text": path, "caption": part(path)} for path in paths]
    plain = matching(f"{negated}(caption {operator} '{pattern}')", rows)
    assert matching(f"{negated}({name} {operator} '{pattern}')", rows) == plain


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("megapixels > 1", [1]),
        ("ratio >= 1.5", [1]),
        ("orientation = 'portrait'", [2]),
        ("orientation in ('Landscape', 'square')", [1, 3]),
        ("orientation is null", [4]),
        ("bytes > 2MB", [1]),
        ("bytes >= 2 MiB", [1]),
        ("bytes = 1500 or bytes = 1.5 kB and width = 100", [2]),
        ("width > 99999999999999999999999", []),
        ("width < 99999999999999999999999", [1, 2, 3]),
        ("width <> 100", [1]),
        ("not width = 100", [1]),
        ("not not width == 100", [2, 3]),
        ("not (width = 100 and height = 100)", [1, 2]),
        ("width > 50 AND (height = 100 OR height = 200)", [2, 3]),
        ("width = 100 and height = 100 or bytes > 2MB", [1, 3]),
        ("bytes > -1 and bytes > +1 and id <= 2", [1, 2]),
    ],
)
def test_numbers_units_and_logic(where, ids):
    rows = [
        {"width": 1500, "height": 1000, "bytes": 2**21},
        {"width": 100, "height": 200, "bytes": 1500},
        {"width": 100, "height": 100, "bytes": 2_000_000},
        {"width": None, "height": None, "bytes": None},
    ]
    assert matching(where, rows) == ids


def great_circle(a, b):
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


@REPEATABLE
@given(st.floats(-70, 70), st.floats(-180, 180), st.floats(0.5, 100), st.floats(0, 2 * math.pi), st.floats(0, 2))
def test_near_agrees_with_the_great_circle_within_two_percent(lat, lon, km, bearing, share):
    step = km * share / 111.2
    there = lat + step * math.cos(bearing), lon + step * math.sin(bearing) / math.cos(math.radians(lat))
    there = there[0], (there[1] + 180) % 360 - 180  # also across the date line
    distance = great_circle((lat, lon), there)
    found = matching(f"near({lat:f}, {lon:f}, {km:f})", [{"latitude": there[0], "longitude": there[1]}])
    if distance < km * 0.98 - 0.001:
        assert found
    if distance > km * 1.02 + 0.001:
        assert not found


def test_near_leaves_out_pictures_without_a_place():
    paris = {"latitude": 48.85, "longitude": 2.35}
    assert matching(
        "near(48.86, 2.34, 10) and not near(0, 0, 5)", [paris, {"width": 1}, {"latitude": 48.5, "longitude": 2.35}]
    ) == [1]


OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS = st.integers(-3, 3)
WORDS = st.text("aB%'\"_éÉЖж ", max_size=3)


def literal(value):
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def known(row, column, test):
    return None if row[column] is None else test(row[column])


def conditions(column, values, plain):
    """Pairs of (text, evaluation of a row as True, False or None for unknown)."""
    compare = st.builds(
        lambda op, v: (
            f"{column} {op} {literal(v)}",
            lambda row: known(row, column, lambda x: OPERATORS[op](plain(x), plain(v))),
        ),
        st.sampled_from(list(OPERATORS)),
        values,
    )
    listed = st.builds(
        lambda vs: (
            f"{column} in ({', '.join(map(literal, vs))})",
            lambda row: known(row, column, lambda x: plain(x) in map(plain, vs)),
        ),
        st.lists(values, min_size=1, max_size=3),
    )
    between = st.builds(
        lambda a, b: (
            f"{column} not between {literal(a)} and {literal(b)}",
            lambda row: known(row, column, lambda x: not plain(a) <= plain(x) <= plain(b)),
        ),
        values,
        values,
    )
    missing = st.just((f"{column} is null", lambda row: row[column] is None))
    return st.one_of(compare, listed, between, missing)


def combine(parts):
    def both(a, b):
        def evaluate(row):
            x, y = a[1](row), b[1](row)
            return False if x is False or y is False else None if x is None or y is None else True

        return f"({a[0]}) and ({b[0]})", evaluate

    def either(a, b):
        def evaluate(row):
            x, y = a[1](row), b[1](row)
            return True if x or y else None if x is None or y is None else False

        return f"({a[0]}) OR ({b[0]})", evaluate

    def negated(a):
        return f"not ({a[0]})", lambda row: None if a[1](row) is None else not a[1](row)

    return st.one_of(st.builds(both, parts, parts), st.builds(either, parts, parts), st.builds(negated, parts))


FILTERS = st.recursive(
    st.one_of(conditions("width", NUMBERS, int), conditions("camera", WORDS, str.casefold)), combine, max_leaves=8
)
ROWS = st.fixed_dictionaries({"width": st.none() | NUMBERS, "camera": st.none() | WORDS})


@REPEATABLE
@given(FILTERS, st.lists(ROWS, max_size=5))
def test_sqlite_agrees_with_plain_python_on_random_filters_and_rows(condition, rows):
    where, evaluate = condition
    assert matching(where, rows) == [id for id, row in enumerate(rows, 1) if evaluate(row)]


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE images; --", "' OR '1'='1", '" OR 1=1 --', "?1", ":x", "$y", "/* */", "\\'", "%", "''"]
)
def test_what_is_typed_stays_data(value):
    quoted = value.replace("'", "''")
    found = compile_filter(f"camera = '{quoted}'")
    assert found.params == (value,)
    assert found.sql == "camera COLLATE NOCASE = ?"
    assert matching(f"camera = '{quoted}'", [{"camera": value}, {"camera": "other"}]) == [1]


@REPEATABLE
@given(st.text(max_size=60))
def test_the_sql_holds_nothing_that_was_typed_in_quotes(text):
    try:
        found = compile_filter("caption = '" + text.replace("'", "''") + "'")
    except QueryError:
        assert "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
        return
    plain = ("caption COLLATE NOCASE = ?", (text,)), ("folded(caption) = ?", (text.casefold(),))
    assert (found.sql, found.params) == plain[not text.isascii()]


MARKS = ["(", ")", ",", "=", "<", ">=", "!=", "'", ";", "--", "\0", "\ud800", "é"]
KEYWORDS = ["and", "or", "not", "has", "is", "null", "like", "in", "between", "near"]
VALUES = ["2020", "2020-05", "2020-13-40", "3.5", "-1", "2 MB", "'a'", '"b"', "9" * 50]
PIECES = st.sampled_from([*FIELDS, *KEYWORDS, *MARKS, *VALUES])


@REPEATABLE
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map(" ".join)))
def test_any_text_is_a_filter_that_sqlite_runs_or_a_query_error(text):
    try:
        compile_filter(text)
    except QueryError:
        return
    matching(text, [{"width": 1, "height": 0, "taken": "2020-01-01", "path_text": "a", "mtime_ns": 0, "bytes": 5}])


@pytest.mark.parametrize(
    "where",
    [
        "not " * 490 + "width > 1",
        "(" * MAX_DEPTH + "width > 1" + ")" * MAX_DEPTH,
        "not(id=1 or id=2 and " * MAX_DEPTH + "id=1" + ")" * MAX_DEPTH,
        "taken != 2020 or " * 110 + "id = 1",
        "id=1 or " * 240 + "id=1",
        f"taken in ({','.join(['2020'] * 390)})",
        f"id not in ({','.join('1' * 900)})",
        f"path like '{'%a' * 900}'",
    ],
)
def test_the_largest_filters_stay_within_the_limits_of_sqlite(where):
    assert len(where) <= MAX_LENGTH
    matching(where, [{"width": 1, "taken": "2020-01-01", "path_text": "a" * 4000 + "b"}])


@pytest.mark.parametrize(
    ("where", "caret_under", "says"),
    [
        ("widht > 5", "widht", "did you mean width?"),
        ("width > 5 and colour = 'red'", "colour", "no field colour: the fields are id, path"),
        ("width > 'wide'", "'wide'", "width is a number"),
        ("width > 5 MB", "MB", "goes with bytes only"),
        ("camera = 5", "5", "put the value in quotes"),
        ("camera = Canon", "Canon", "text goes in quotes"),
        ("width like '5%'", "width", "like goes with text"),
        ("taken > 12", "12", "taken is a date"),
        ("taken = 2020-02-30", "2020-02-30", "no such date"),
        ("taken = 9999", "9999", "years go from"),
        ("taken = 'yesterday'", "'yesterday'", "taken is a date"),
        ("width > 5 height > 5", "height", "expected and, or, or the end"),
        ("width 5", "5", "expected = != <"),
        ("width >", "", "expected a value"),
        ("5 < width", "5 <", "expected a field"),
        ("(width > 5", "", "expected )"),
        ("width in 5", "5", "expected ("),
        ("width between 5 or 6", "or", "expected and"),
        ("camera = 'Canon", "'Canon", "never closed"),
        ("width > 5; drop", "; drop", "not understood"),
        ("camera is 'x'", "'x'", "expected null"),
        ("near(91, 0, 5)", "91", "a latitude"),
        ("near(0, 0, 5000)", "5000", "kilometres"),
        ("(" * (MAX_DEPTH + 1) + "width > 1" + ")" * (MAX_DEPTH + 1), "width", "nested too deeply"),
        ("camera = 'a\0'", "'a", "NUL"),
    ],
)
def test_mistakes_are_pointed_at(where, caret_under, says):
    with pytest.raises(QueryError) as error:
        compile_filter(where)
    problem, shown, caret = str(error.value).split("\n")
    assert says in problem
    assert shown[caret.index("^") :].startswith(caret_under)


@pytest.mark.parametrize("where", ["", "  \n", "(" * (MAX_LENGTH + 1)])
def test_empty_and_boundless_filters_are_refused(where):
    with pytest.raises(QueryError):
        compile_filter(where)
