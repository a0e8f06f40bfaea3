"""Links to licenses, by the list of SPDX: a pure rule."""
from __future__ import annotations

import re

from packaging import licenses

from slicer_package_manager.registry.schema import urls

#: A license of SPDX alone, without an operator.
_IDENTIFIER = re.compile(r'[A-Za-z0-9.-]+')


def url(license_name: str) -> str:
    """The page of a license, by its identifier in the list of SPDX or its URL; empty for all others."""
    if urls.is_url(license_name, ('http', 'https')):
        return license_name
    try:
        identifier = licenses.canonicalize_license_expression(license_name)
    except licenses.InvalidLicenseExpression:
        return ''
    is_one = _IDENTIFIER.fullmatch(identifier) and not identifier.startswith('LicenseRef-')
    return f'https://spdx.org/licenses/{identifier}.html' if is_one else ''
