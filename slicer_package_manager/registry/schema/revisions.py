"""The order of revisions of the application."""
from __future__ import annotations

import re
from typing import TypeAlias

RevisionKey: TypeAlias = tuple[int, int, str]
_INTEGER = re.compile('[0-9]{1,255}')


def revision_order(revision: str) -> RevisionKey:
    """Key that sorts revisions from old to new. Whole numbers are compared as numbers and come after all others."""
    return (1, int(revision), '') if _INTEGER.fullmatch(revision) else (0, 0, revision)
