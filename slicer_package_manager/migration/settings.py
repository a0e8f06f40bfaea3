"""Settings: which ones come along, and which ones get the default of a new server."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from girder.settings import SettingKey

from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.journal import digest
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.server import settings as plugin_settings

#: What is taken over from the older server.
TAKEN = (SettingKey.BRAND_NAME, SettingKey.BANNER_COLOR, SettingKey.CONTACT_EMAIL_ADDRESS, SettingKey.PRIVACY_NOTICE,
         SettingKey.SERVER_ROOT, SettingKey.EMAIL_FROM_ADDRESS, SettingKey.EMAIL_HOST, SettingKey.EMAIL_VERIFICATION,
         SettingKey.SMTP_HOST, SettingKey.SMTP_PORT, SettingKey.SMTP_ENCRYPTION, SettingKey.SMTP_USERNAME,
         SettingKey.SMTP_PASSWORD, SettingKey.COOKIE_LIFETIME, SettingKey.API_KEYS, SettingKey.ENABLE_PASSWORD_LOGIN,
         SettingKey.ADD_TO_GROUP_POLICY, SettingKey.COLLECTION_CREATE_POLICY, SettingKey.USER_DEFAULT_FOLDERS,
         SettingKey.CORS_ALLOW_ORIGIN)
#: What gets the value of a new server, unless the operator wants that of the older one.
RENEWED = (SettingKey.REGISTRATION_POLICY, SettingKey.CORS_ALLOW_HEADERS, SettingKey.CORS_EXPOSE_HEADERS)


def changes(source: AnyDatabase, here: AnyDatabase, defaults: Mapping[str, Any], written: Mapping[str, bytes], *,
            keep: bool) -> dict[str, Any]:
    """Return the settings that are to change here, with their values: not those that were changed here.

    :param defaults: the values of a new server.
    :param written: digests of what migrations have written, by key.
    :param keep: take the values of :data:`RENEWED` from the older server too.
    """
    stored = _values(source)
    wanted = {key: stored[key] for key in (*TAKEN, *(RENEWED if keep else ())) if key in stored}
    wanted.update({key: defaults[key] for key in RENEWED if not keep and key in defaults})
    now = _values(here)
    return {key: value for key, value in wanted.items() if now.get(key) != value and (
        source == here or key not in now or now[key] == defaults.get(key)
        or digest({'value': now[key]}) == written.get(key))}


def _values(database: AnyDatabase) -> dict[str, Any]:
    """The settings by key, without those that have none or no value."""
    return {row['key']: row['value'] for row in database['setting'].find()
            if isinstance(row.get('key'), str) and 'value' in row}


def link_hosts(here: AnyDatabase) -> list[str]:
    """Return the hosts to which links may point."""
    return _hosts(here, plugin_settings.LINK_HOSTS)


def stream_hosts(here: AnyDatabase) -> list[str]:
    """Return the hosts from which this server fetches files, which are those that links may redirect to."""
    return _hosts(here, plugin_settings.STREAM_HOSTS)


def _hosts(here: AnyDatabase, key: str) -> list[str]:
    row = here['setting'].find_one({'key': key})
    _, default = plugin_settings.RULES[key]
    return list((row or {}).get('value') or default)


def allow_hosts(here: AnyDatabase, hosts: tuple[str, ...]) -> dict[str, Any]:
    """Return the setting with the allowed hosts of links, with ``hosts`` added; empty if they are there."""
    known = link_hosts(here)
    more = [host for host in hosts if host not in known]
    return {plugin_settings.LINK_HOSTS: known + more} if more else {}


def write(here: AnyDatabase, changed: Mapping[str, Any]) -> None:
    """Store the settings ``changed``."""
    for key, value in changed.items():
        here['setting'].update_one({'key': key}, {'$set': {'value': value}}, upsert=True)


def notes(changed: Mapping[str, Any]) -> list[Note]:
    """One note for each changed setting, without its value, which may be a secret."""
    return [Note(Outcome.MENDED, 'setting', key, key, 'the setting is changed here') for key in sorted(changed)]
