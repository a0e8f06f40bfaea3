"""What is published, and what was."""
from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from slicer_package_manager.logs.rules import privacy
from slicer_package_manager.logs.rules.raw_lines import Kind


class Options(NamedTuple):
    """What is published.

    :param raw_logs: which raw logs are; ``None`` means none, which are not deleted either.
    :param keep_raw_days: for how many days raw logs are kept, here and in the repository.
    :param threshold: of daily files that were made with a smaller one, see :mod:`privacy`, none is published.
    :param notice: what the license of the database of countries requires to be shown in the report.
    :param dry: write nothing, neither here nor in the repository.
    """

    raw_logs: Kind | None = Kind.PSEUDONYMS
    keep_raw_days: int = 90
    threshold: int = privacy.THRESHOLD
    notice: str = ''
    dry: bool = False


@dataclass
class Result:
    """What was published, or would be.

    :param files: the paths of files that were committed.
    :param commits: the commits.
    :param assets: the names of assets that were sent.
    :param deleted_here: the days whose raw logs were deleted in the directory.
    :param deleted_there: the names of raw logs that were deleted in the repository.
    :param notices: what the operator may have expected otherwise.
    """

    files: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    deleted_here: list[str] = field(default_factory=list)
    deleted_there: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, list[str]]:
        """Return all values by their names."""
        return asdict(self)

    @property
    def is_empty(self) -> bool:
        """Whether everything was there already, and nothing was too old."""
        return not any(names for name, names in self.as_json().items() if name != 'notices')


def yesterday() -> date:
    """Return the last day that has ended, in UTC."""
    return (datetime.now(timezone.utc) - timedelta(days=1)).date()
