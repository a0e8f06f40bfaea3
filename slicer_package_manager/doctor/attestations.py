"""Checks of the attestations of files."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from slicer_package_manager.doctor.findings import WARNING, Finding, Options
from slicer_package_manager.registry.tree import attestations


def lost(_options: Options) -> Iterator[Finding]:
    """Attestations of bytes that their package does not have."""
    for one in attestations.lost():
        yield Finding(WARNING, f'An attestation is about {one["sha512"][:16]}..., which the package {one["item"]} does '
                               'not have.',
                      'Use --fix, which removes it.', partial(attestations.remove, one))
