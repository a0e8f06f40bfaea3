"""The country of an address, from a database in MaxMind's format that the operator gives."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import maxminddb

from slicer_package_manager.logs.errors import LogsError

#: Of addresses that are in no database, or in no country.
UNKNOWN = 'unknown'
_CODE = 2


class Countries:
    """The countries in the database ``path``; without one, each is unknown.

    :raises LogsError: there is no such database, or it has no countries.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._reader = _opened(path) if path else None

    @property
    def are_known(self) -> bool:
        """Whether there is a database."""
        return self._reader is not None

    def of(self, address: str) -> str:
        """Return the code (ISO 3166-1 alpha-2) of the country of ``address``, an address of IPv4 or IPv6."""
        if self._reader is None:
            return UNKNOWN
        try:
            found = self._reader.get(address.removeprefix('::ffff:'))
        except ValueError:  # no address
            return UNKNOWN
        return _code(found)


def _opened(path: Path) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise LogsError(f"The database of countries {path} cannot be read: {error}. Give a file in MaxMind's format, "
                        'such as GeoLite2-Country.mmdb.') from error
    kind = reader.metadata().database_type
    if not any(word in kind.lower() for word in ('country', 'city', 'location')):
        raise LogsError(f'The database {path} has no countries: its type is {kind}.')
    return reader


def _code(found: Any) -> str:
    """The code in a record, whose form depends on the database."""
    country = found.get('country') or found.get('registered_country') if isinstance(found, dict) else None
    code = country.get('iso_code') if isinstance(country, dict) else found.get('country_code') if found else None
    return code.upper() if isinstance(code, str) and len(code) == _CODE and code.isalpha() else UNKNOWN
