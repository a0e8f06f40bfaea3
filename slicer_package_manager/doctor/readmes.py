"""Checks of the READMEs of extensions."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from slicer_package_manager.doctor.findings import WARNING, Finding, Options
from slicer_package_manager.registry.tree import readmes


def unused(_options: Options) -> Iterator[Finding]:
    """READMEs that no extension has any more."""
    for one in readmes.unused():
        yield Finding(WARNING, f'No extension has the README {one["_id"][:16]}... any more.',
                      'Use --fix, which removes it.', partial(readmes.remove, one))
