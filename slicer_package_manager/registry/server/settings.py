"""The settings of the plugin, with their defaults and validators. Administrators change them in Girder.

Girder does not validate values from environment variables ``GIRDER_SETTING_...``. Therefore each value is validated
whenever it is read.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from girder.exceptions import ValidationException
from girder.models.setting import Setting
from girder.settings import SettingDefault, SettingKey
from girder.utility import setting_utilities

from slicer_package_manager.registry.schema.types import Document

LINK_HOSTS = 'slicer_package_manager.link_hosts'
LINK_DELIVERY = 'slicer_package_manager.link_delivery'
STREAM_HOSTS = 'slicer_package_manager.stream_hosts'
DEFAULT_APP = 'slicer_package_manager.default_app'
UPLOAD_QUOTAS = 'slicer_package_manager.upload_quotas'
LIST_MAX_AGE = 'slicer_package_manager.list_max_age'
LIST_CACHE = 'slicer_package_manager.list_cache_mbytes'
READY_SHARE = 'slicer_package_manager.ready_share'
READY_EXPECTED_SHARE = 'slicer_package_manager.ready_expected_share'
UPLOAD_MAX_AGE = 'slicer_package_manager.upload_max_age'
MIDAS = 'slicer_package_manager.midas'
OIDC_ISSUERS = 'slicer_package_manager.oidc_issuers'
CHECKED_APPLICATIONS = 'slicer_package_manager.checked_applications'
COUNTRIES_NOTICE = 'slicer_package_manager.countries_notice'
WEBHOOK_HOSTS = 'slicer_package_manager.webhook_hosts'

#: What Girder's web client is called, unless an administrator sets ``core.brand_name``.
BRAND = 'Slicer Package Manager'
#: The key of the quota for applications that have none of their own.
ALL_OTHERS = 'default'
#: Stands for all applications in a list of ids.
EVERY_APPLICATION = '*'
DELIVERIES = ('auto', 'redirect', 'stream')
#: The services whose ID tokens are understood.
CI_SERVICES = ('github', 'gitlab')

#: The longest text, in characters.
_LONGEST_TEXT = 500
_HOST = re.compile(r'(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?')
_ID = re.compile('[0-9a-f]{24}')
_ISSUER = re.compile(r'https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]+)*')


def _hosts(value: object) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise ValueError('must be a list of host names')  # noqa: TRY004 - one kind of refusal
    hosts = [host.strip().lower() if isinstance(host, str) else host for host in value]
    for host in hosts:
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise ValueError(f'"{host}" is no host name; write it as github.com, or *.example.org for all hosts below')
    return hosts


def _delivery(value: object) -> str:
    if not isinstance(value, str) or value not in DELIVERIES:
        raise ValueError(f'must be one of {", ".join(DELIVERIES)}')
    return value


def _application(value: object) -> str:
    if not isinstance(value, str) or (value and not _ID.fullmatch(value.lower())):
        raise ValueError('must be the id of an application, 24 hexadecimal digits, or an empty text')
    return value.lower()


def _applications(value: object) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise ValueError('must be a list of ids of applications')  # noqa: TRY004 - one kind of refusal
    found = [one.strip().lower() if isinstance(one, str) else one for one in value]
    for one in found:
        if one != EVERY_APPLICATION and not (isinstance(one, str) and _ID.fullmatch(one)):
            raise ValueError(f'"{one}" is neither the id of an application nor "{EVERY_APPLICATION}" for all')
    return found


def _quotas(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"default": 1000000000}')  # noqa: TRY004 - one kind of refusal
    for app, limit in value.items():
        if app != ALL_OTHERS and not _ID.fullmatch(app):
            raise ValueError(f'"{app}" is neither the id of an application nor "{ALL_OTHERS}"')
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            raise ValueError(f'the limit of "{app}" must be a whole number of bytes')
    return value


def _number(largest: int) -> Callable[[object], int]:
    def rule(value: object) -> int:
        try:
            number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else -1
        except ValueError:
            number = -1
        if not 0 <= number <= largest:
            raise ValueError(f'must be a whole number from 0 to {largest}')
        return number
    return rule


def _issuers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"https://gitlab.com": "gitlab"}')  # noqa: TRY004 - as all rules
    for issuer, service in value.items():
        if not _ISSUER.fullmatch(issuer):
            raise ValueError(f'"{issuer}" is no issuer; write it as https://gitlab.example.org, without a slash at the '
                             'end')
        if service not in CI_SERVICES:
            raise ValueError(f'the service of "{issuer}" must be one of {", ".join(CI_SERVICES)}')
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError('must be true or false')  # noqa: TRY004 - one kind of refusal
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(f'must be a text of at most {_LONGEST_TEXT} characters on one line')
    return value.strip()


#: Each setting with its validator and its default.
RULES: dict[str, tuple[Callable[[object], Any], Any]] = {  # the values of settings are JSON
    LINK_HOSTS: (_hosts, ['github.com']),
    LINK_DELIVERY: (_delivery, 'auto'),
    DEFAULT_APP: (_application, ''),
    UPLOAD_QUOTAS: (_quotas, {}),
    CHECKED_APPLICATIONS: (_applications, []),
    STREAM_HOSTS: (_hosts, ['github.com', 'release-assets.githubusercontent.com', 'objects.githubusercontent.com']),
    LIST_MAX_AGE: (_number(3600), 0),
    LIST_CACHE: (_number(4096), 16),
    READY_SHARE: (_number(100), 0),
    READY_EXPECTED_SHARE: (_number(100), 0),
    UPLOAD_MAX_AGE: (_number(3650), 7),
    MIDAS: (_switch, True),
    COUNTRIES_NOTICE: (_text, ''),
    WEBHOOK_HOSTS: (_hosts, []),
    OIDC_ISSUERS: (_issuers, {'https://token.actions.githubusercontent.com': 'github', 'https://gitlab.com': 'gitlab'}),
}


def variable(key: str) -> str:
    """The environment variable that overrides the stored value of the setting ``key``."""
    return f'GIRDER_SETTING_{key.replace(".", "_").upper()}'


def get(key: str) -> Any:  # a value of JSON
    """The value of the setting ``key``.

    :raises ValidationException: the value in the environment is invalid.
    """
    return _checked(key, Setting().get(key))


def get_each(*keys: str) -> list[Any]:  # values of JSON
    """The values of the settings ``keys``, by one query.

    :raises ValidationException: a value in the environment is invalid.
    """
    from_database = [key for key in keys if variable(key) not in os.environ]
    return each_of({one['key']: one['value'] for one in Setting().find({'key': {'$in': from_database}})}, *keys)


def each_of(stored: Mapping[str, Any], *keys: str) -> list[Any]:
    """The values of the settings ``keys``, of which the database has ``stored``.

    :raises ValidationException: a value in the environment is invalid.
    """
    return [get(key) if variable(key) in os.environ else _checked(key, stored.get(key, RULES[key][1])) for key in keys]


def _checked(key: str, value: object) -> Any:
    try:
        return RULES[key][0](value)
    except ValueError as error:
        raise ValidationException(f'The setting {key} is unusable: {error}.', key) from None


def host_matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether ``host`` is one of ``patterns``, or is below one that begins with ``*.``."""
    return any(host == pattern or (pattern.startswith('*.') and host.endswith(pattern[1:])) for pattern in patterns)


def _validate(document: Document) -> None:
    rule, _ = RULES[document['key']]
    try:
        document['value'] = rule(document['value'])
    except ValueError as error:
        raise ValidationException(f'{document["key"]}: {error}.', 'value') from None


def register() -> None:
    """Register the validators and defaults with Girder, and the name of its web client."""
    SettingDefault.defaults[SettingKey.BRAND_NAME] = BRAND
    for key, (_, default) in RULES.items():
        setting_utilities.registerValidator(key, _validate, replace=True)
        setting_utilities.registerDefaultFunction(key, lambda default=default: default)
