"""Dates as people write them: each is a period, from its first moment to the first one after it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

YEARS = range(1800, 2201)  # nanoseconds of these fit 64 bits
FORMS = "2020, 2020-05, 2020-05-17, 17.5.2020, '17 May 2020' or '2020-05-17 18:30'"

PATTERN = r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?)?)?(?![\w-])"
_ISO = re.compile(PATTERN)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_OTHERS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})/(?P<month>\d{1,2})(?:/(?P<day>\d{1,2}))?",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        rf"(?:(?P<day>\d{{1,2}})\.?\s+)?{_MONTH}\s+(?P<year>\d{{4}})",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
    )
)
"""Never a day and a month between slashes: 5/6/2020 is in May for some and in June for others."""


def period(text: str) -> tuple[datetime, datetime] | None:
    """The first moment that a date covers, and the first after it; None for what is no date in one of the FORMS.

    ValueError, with the reason, for a day that there is not and for years that are not in YEARS.
    """
    parts = _parts(text.strip())
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts
    if year not in YEARS:
        raise ValueError(f"years go from {YEARS[0]} to {YEARS[-1]}")
    try:
        first = datetime(year, month or 1, day or 1, hour or 0, minute or 0, second or 0)
    except ValueError as error:
        raise ValueError(f"no such date: {error}") from None
    if month is None:
        return first, datetime(year + 1, 1, 1)
    if day is None:
        return first, datetime(year + month // 12, month % 12 + 1, 1)
    if hour is None:
        return first, first + timedelta(days=1)
    return first, first + (timedelta(minutes=1) if second is None else timedelta(seconds=1))


def _parts(text: str) -> tuple[int, int | None, int | None, int | None, int | None, int | None] | None:
    """Year, month, day, hour, minute, second, as far as they are said."""
    if iso := _ISO.fullmatch(text):
        year, *rest = iso.groups()
        month, day, hour, minute, second = (int(part) if part else None for part in rest)
        return int(year), month, day, hour, minute, second
    found = next((match for form in _OTHERS if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    said = found.groupdict()
    month = _MONTHS.index(said["name"].lower()) + 1 if said.get("name") else int(said["month"])
    return int(said["year"]), month, int(said["day"]) if said["day"] else None, None, None, None
