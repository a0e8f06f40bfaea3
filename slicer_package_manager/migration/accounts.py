"""Users, groups, their API keys and sessions, and the collections at the top of all folders.

What this server has already is not written again: a collection with the same name is the same one, and so is a user
with the same login, if the operator says so. Others refer to it by its id here.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.references import References
from slicer_package_manager.migration.writer import NAMES, Writer
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import PACKAGES_NAME

_NAMED = 10
#: The values of a password that Girder 5 can check: bcrypt, or none.
_CHECKED = ('$2a$', '$2b$', '$2y$')


class Accounts:
    """Takes over the accounts and collections of ``source``.

    :param shaped: brings documents of a collection into their shape.
    """

    def __init__(self, source: AnyDatabase, here: AnyDatabase, references: References, report: Report,
                 shaped: Callable[[str, Iterable[Document]], list[Document]]) -> None:
        self._source, self._here, self._references, self._report = source, here, references, report
        self._shaped = shaped

    def match(self, *, same_users: bool) -> None:
        """Find what is here under another id.

        :param same_users: whether an account with the login of one of the source is that of the same person.
        :raises MigrationError: accounts share a login or an e-mail address, and it is not said that they are the same.
        """
        self._match_users(same_users)
        self._match_by_name('group')
        self._match_by_name('collection')
        self._match_packages()

    def _match_users(self, same_users: bool) -> None:
        clashes = []
        users = self._shaped('user', self._source['user'].find())
        known = {user['_id'] for user in users}
        for user in users:
            either = [{key: user[key]} for key in ('login', 'email') if user[key]]
            other = next((one for one in self._here['user'].find({'$or': either}) if one['_id'] not in known), None)
            if other and same_users and other['login'] == user['login']:
                self._references.put('user', user['_id'], other['_id'])
            elif other:
                clashes.append(f'"{user["login"]}" ({user["email"]}) and here "{other["login"]}" '
                               f'({other.get("email")})')
        if clashes:
            more = f', and {len(clashes) - _NAMED} more' if clashes[_NAMED:] else ''
            raise MigrationError(
                f'Accounts of the older server share a login or an e-mail address with others here: '
                f'{"; ".join(clashes[:_NAMED])}{more}. If those with the same login are the same people, use '
                '--same-users: they keep the account that they have here. Otherwise rename or delete the ones here.')

    def _match_by_name(self, collection: str) -> None:
        found = self._shaped(collection, self._source[collection].find())
        known = {one['_id'] for one in found}
        for one in found:
            other = next((other for other in self._here[collection].find({'name': one['name']}, {'_id': 1})
                          if other['_id'] not in known), None)
            if other:
                self._references.put(collection, one['_id'], other['_id'])

    def _match_packages(self) -> None:
        """Match the folders ``packages`` of collections that are here."""
        at_top = {'name': PACKAGES_NAME, 'parentCollection': 'collection'}
        for folder in self._shaped('folder', self._source['folder'].find(at_top)):
            place = self._references.of('collection', folder['parentId'])
            other = self._here['folder'].find_one({**at_top, 'parentId': place}, {'_id': 1})
            if other:
                self._references.put('folder', folder['_id'], other['_id'])

    def take(self, writer: Writer) -> None:
        """Store what is not here, and in place what is mended."""
        for collection in ('user', 'group', 'collection', 'api_key', 'token'):
            documents = [self._references.applied(collection, one)
                         for one in self._shaped(collection, self._source[collection].find())
                         if self._references.of(collection, one['_id']) == one['_id']]
            self._report.totals[NAMES[collection]] += len(documents)
            writer.store(collection, documents)
        self._report.add(self._notes())

    def _notes(self) -> Iterator[Note]:
        yield from _twins(self._shaped('user', self._source['user'].find()))
        for user in self._source['user'].find({'salt': {'$type': 'string'}}):
            if 'hashAlg' in user and not str(user['salt']).startswith(_CHECKED):
                yield Note(Outcome.LEFT_OUT, 'user', str(user['_id']), str(user.get('login', '')),
                           'the password has a form that this server cannot check',
                           'Have the user reset it by e-mail.')


def _twins(users: Iterable[Mapping[str, Any]]) -> Iterator[Note]:
    """A note for each user of the source with the login or the e-mail address of another one there."""
    first: dict[tuple[str, str], Any] = {}
    for user in users:
        for key in ('login', 'email'):
            other = first.setdefault((key, user[key].lower()), user['_id'])
            if user[key] and other != user['_id']:
                yield Note(Outcome.UNDECIDED, 'user', str(user['_id']), user['login'],
                           f'the user {other} has the same {key}', 'Change one of the two, or delete it.')
