"""The people who uploaded to MIDAS, as accounts of this server."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from girder.constants import AccessType

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.midas import ids
from slicer_package_manager.migration.midas.data import Data
from slicer_package_manager.migration.midas.rules import moments, texts
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.schema.types import Document

#: The domain of addresses of accounts without one; RFC 2606 reserves it.
_NO_DOMAIN = 'midas.invalid'
_NAMED = 10


class People:
    """Accounts for the users of ``data`` with the numbers ``uploaders``.

    :param same: an account here with the e-mail address of one of them is that of the same person.
    :param admins: administrators of MIDAS get an administrator's account, also if they uploaded nothing. An account
        that is here already gets no more rights.
    :ivar accounts: the documents of accounts that are not here.
    :ivar ids: for each user, the id of the account.
    :raises MigrationError: an account here has the e-mail address of one of them, and it is not said that it is theirs.
    """

    def __init__(self, data: Data, here: AnyDatabase, uploaders: set[int], *, same: bool, admins: bool) -> None:
        self._data, self._admins = data, admins
        self.accounts: list[Document] = []
        self.ids: dict[int, Any] = {}
        self.notes: list[Note] = []
        self._clashes: list[str] = []
        users = list(here['user'].find({}, _KNOWN))
        self._by_email = {str(one.get('email', '')).lower(): one for one in users}
        self._logins = {one['login']: one['_id'] for one in users}
        self._rights = {one['_id']: bool(one.get('admin')) for one in users}
        self._without_rights = 0
        for row in sorted(data.mended_rows('user'), key=lambda row: row['user_id']):
            if row['user_id'] in uploaders or (admins and row['admin']):
                self._add(row, same=same)
        self._require_no_clash()

    def _add(self, row: Document, *, same: bool) -> None:
        number, identifier = row['user_id'], ids.of('user', row['user_id'])
        email = (row['email'] or '').strip().lower()
        email = email if '@' in email else f'midas-user-{number}@{_NO_DOMAIN}'
        other = self._by_email.get(email)
        if other and other['_id'] != identifier and not same and 'number' not in other:
            self._clashes.append(f'the user {number} and here "{other["login"]}"')
            return
        self.ids[number] = other['_id'] if other else identifier
        if other and other['_id'] != identifier:
            self.notes.append(Note(Outcome.MENDED, 'user', str(number), other['login'],
                                   'it has the e-mail address of this account, which stands for it'))
            return
        account = self._account(row, identifier, email)
        self.accounts.append(account)
        self._by_email[email] = {**account, 'number': number}

    def _account(self, row: Document, identifier: Any, email: str) -> Document:
        first, last = (texts.person(row[key] or '') for key in ('firstname', 'lastname'))
        login = next((name for name, one in self._logins.items() if one == identifier), None) or texts.login(
            first, last, row['user_id'], set(self._logins))
        self._logins[login] = identifier
        created = self._data.shift.corrected(row['creation']) or moments.EPOCH
        access = {'users': [{'id': identifier, 'level': AccessType.ADMIN, 'flags': []}], 'groups': []}
        return {'_id': identifier, 'login': login, 'email': email, 'firstName': first or login,
                'lastName': last or login, 'created': created, 'emailVerified': False, 'status': 'enabled',
                'admin': self._is_admin(row, identifier), 'size': 0, 'groups': [], 'groupInvites': [],
                'public': False, 'access': access, 'salt': None}

    def _is_admin(self, row: Document, identifier: Any) -> bool:
        """Whether the account is an administrator's; one that an import before has made such stays it."""
        if row['admin'] and not self._admins:
            self._without_rights += 1
        return self._rights.get(identifier, False) or bool(row['admin'] and self._admins)

    def _require_no_clash(self) -> None:
        if self._clashes:
            more = f', and {len(self._clashes) - _NAMED} more' if self._clashes[_NAMED:] else ''
            raise MigrationError(
                f'Users of MIDAS have the e-mail address of accounts here: {"; ".join(self._clashes[:_NAMED])}{more}. '
                'If they are the same people, use --same-users: they keep the account that they have here. Otherwise '
                'change the addresses here.')

    def notes_of(self) -> Iterator[Note]:
        """Yield what the report states about accounts."""
        yield from self.notes
        others = self._data.counts['user'] - len(self.ids)
        if others:
            yield Note(Outcome.LEFT_OUT, 'user', '', '', f'{others} users who uploaded nothing that is imported')
        for one in self.accounts:
            if one['admin']:
                yield Note(Outcome.MENDED, 'user', str(one['_id']), one['login'],
                           'the account is that of an administrator here')
        if self._without_rights:
            yield Note(Outcome.LEFT_OUT, 'administrators', '', '', f'{self._without_rights} accounts are not those of '
                       'administrators here, as they were at MIDAS',
                       'Make them such in the administration of Girder, or run the import again with --admins.')
        if self.accounts:
            found = Counter(one['login'].startswith('midas-user-') for one in self.accounts)
            yield Note(Outcome.LEFT_OUT, 'passwords', '', '', f'{found.total()} accounts have no password',
                       'People who need their account let the server send them a new one by e-mail.')


_KNOWN = {'login': 1, 'email': 1, 'admin': 1}
