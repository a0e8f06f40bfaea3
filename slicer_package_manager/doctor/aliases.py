"""Checks of the aliases of MIDAS, by which old addresses lead to packages."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from slicer_package_manager.doctor.findings import WARNING, Finding, Options
from slicer_package_manager.registry.midas import aliases


def dangling(_options: Options) -> Iterator[Finding]:
    """Aliases that name items or folders which do not exist."""
    for alias, missing in aliases.dangling():
        ids = ', '.join(map(str, missing))
        yield Finding(WARNING, f'The {alias.kind.value} {alias.value} of MIDAS leads to {ids}, which does not exist.',
                      'Use --fix, which has its old addresses state that it is gone.', partial(aliases.forget, missing))
