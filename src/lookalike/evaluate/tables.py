"""CSV files that users write for an evaluation."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lookalike.errors import QueryError, printable


def read_table(file: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows by column, each with its line's number. Raises QueryError, in a line, when one cannot read it so."""
    name = printable(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, restval="", strict=True)
            columns = reader.fieldnames or ()
            missing = [column for column in needed if column not in columns]
            if missing:
                raise QueryError(
                    f"{name}: no column {' or '.join(missing)} (it has {', '.join(columns) or 'nothing'}): "
                    f"its first line should be {','.join(needed)}"
                )
            return [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        raise QueryError(f"{name} is not UTF-8 text: save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise QueryError(f"{name} is not CSV: {error}") from None
    except OSError as error:
        raise QueryError(f"{name}: {(error.strerror or str(error)).lower()}") from None
