"""What became of each file of a command, and the table that counts them."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slicer_package_manager_client.registry import Document


@dataclass
class Result:
    """What became of a file.

    :param sent: bytes that were transferred.
    :param more: further keys of the JSON document.
    """

    path: str
    size: int = 0
    status: str = 'skipped'
    exit_code: int = 0
    seconds: float = 0.0
    sent: int = 0
    error: Document | None = None
    more: Document = field(default_factory=dict)

    def document(self) -> Document:
        """The result as JSON."""
        document = {'path': self.path, 'status': self.status, 'seconds': round(self.seconds, 3), 'bytes': self.sent,
                    **self.more, 'error': self.error}
        return {key: value for key, value in document.items() if value is not None}


def totals(results: Sequence[Result], columns: Mapping[str, str], seconds: float) -> Document:
    """Return how many results have each status, the seconds and the bytes.

    :param columns: the name of the number in which a status counts.
    """
    numbers: Document = dict.fromkeys(columns.values(), 0)
    for result in results:
        numbers[columns[result.status]] += 1
    return {**numbers, 'seconds': round(seconds, 1), 'bytes': sum(result.sent for result in results)}


def show(results: Sequence[Result], numbers: Document, *, as_json: bool, **more: Any) -> None:
    """Print the table, or JSON with ``more`` keys."""
    output.show({**more, 'files': [result.document() for result in results], 'totals': numbers},
                output.table([name.upper() for name in numbers], [list(numbers.values())]), as_json=as_json)
