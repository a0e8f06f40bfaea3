"""Cells of CSV that people open with a spreadsheet."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

#: Spreadsheets run a cell as a formula that begins with one of these.
_FORMULAS = ('=', '+', '-', '@', '\t', '\r')


def harmless(value: object) -> object:
    """Return ``value`` for a cell: a text that a spreadsheet would run as a formula begins with a quotation mark."""
    if not isinstance(value, str):
        return value
    text = value.replace('\0', '\ufffd')  # Python 3.10 writes no null character into CSV
    return f"'{text}" if text.startswith(_FORMULAS) else text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write ``rows`` as CSV below a line with the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue()
