"""Facts about a package in the name of its file, as Slicer's CMake scripts name archives with CPack."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slicer_package_manager_client.fields import ARCHITECTURES, OPERATING_SYSTEMS
from slicer_package_manager_client.inspection import archives

if TYPE_CHECKING:
    from slicer_package_manager_client.fields import PackageType

_SYSTEM = f'(?P<os>{"|".join(OPERATING_SYSTEMS)})-(?P<arch>{"|".join(ARCHITECTURES)})'
#: ``33000-linux-amd64-Foo-gitab12cd3-2026-11-01``; builds of working copies without a repository have "local".
_EXTENSION = re.compile(
    rf'(?P<app_revision>[^-]+)-{_SYSTEM}-(?P<name>.+?)'
    r'-(?P<repo_type>git|svn|hg|bzr|cvs|local)(?P<revision>[^-]*)(-\d{4}-\d{2}-\d{2})?')
#: ``Slicer-5.8.1-linux-amd64``, ``Slicer-5.9.0-2026-11-01-linux-amd64``.
_PACKAGE = re.compile(rf'(?P<name>[^-]+)-(?P<version>\d+\.\d+.*?)-{_SYSTEM}')
_PATTERNS = {'extension': _EXTENSION, 'package': _PACKAGE}


def facts(name: str, package_type: PackageType) -> dict[str, str]:
    """Return values by the names of options; empty if ``name`` is not as CPack makes it."""
    match = _PATTERNS[package_type.label].fullmatch(archives.stem(name))
    found = {key: value for key, value in match.groupdict().items() if value} if match else {}
    if found.get('repo_type') == 'local':
        del found['repo_type']
    return found
