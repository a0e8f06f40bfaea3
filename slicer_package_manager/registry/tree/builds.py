"""Which run of a CI service has uploaded the content of a file.

1. A request with the token of a publisher belongs to a run (:func:`current`).
2. An upload that it begins records the run (:func:`record`). Only requests of the same run continue it
   (:func:`require_same`), so that all bytes come from there.
3. The file of the upload has the run as long as it has this content.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slicer_package_manager.registry.schema.errors import Conflict
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.types import Build

#: Returns the run that the current request belongs to. There are no requests in commands.
_of_request: Callable[[], Build | None] = lambda: None  # noqa: E731 - replaced by find_by()


def find_by(of_request: Callable[[], Build | None]) -> None:
    """Find the run of the current request by ``of_request`` from now on."""
    global _of_request  # noqa: PLW0603 - there is one server in a process
    _of_request = of_request


def current() -> Build | None:
    """Return the run that the current request belongs to; ``None`` if it has another token than that of a publisher."""
    return _of_request()


def record(upload: Document) -> None:
    """Record the current run in ``upload``, which begins."""
    build = current()
    if build:
        upload['build'] = build


def require_same(upload: Mapping[str, Any]) -> None:
    """Check that the run of the current request has begun ``upload``, or that neither belongs to a run.

    :raises Conflict: another run, or another kind of token, has begun it.
    """
    if upload.get('build') != current():
        raise Conflict(f'The upload of "{upload["name"]}" was begun by another run of a CI service, or with another '
                       'kind of token. Begin a new upload.')


def of_upload(upload: Mapping[str, Any]) -> Document:
    """Return the fields of a file that state which run has sent the content of ``upload``."""
    return registered(upload.get('build'))


def registered(build: Build | None) -> Document:
    """Return the fields of a file that state that ``build`` has uploaded its content."""
    return {'spm': {'build': build}} if build else {}


def of_file(file: Mapping[str, Any]) -> Build | None:
    """Return the run that has uploaded the content of ``file``, if that is known."""
    build: Build | None = (file.get('spm') or {}).get('build')
    return build
