"""Registration of a package or extension, with the upload of its file or the link to it.

1. Look for the item with the same identity. Without one, register a new item, which lists omit until it has a file.
2. Upload the file, unless the item has a file with the same checksum. Update the metadata of an existing item before
   the last chunk is sent, so that readers get both old or both new.
3. If another process deletes the item during the upload, begin again.
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from girder_client import HttpError

from slicer_package_manager_client import provenance, readmes, registry
from slicer_package_manager_client.errors import ChecksumMismatch, Conflict, SlicerPackageManagerError
from slicer_package_manager_client.journal import Journal
from slicer_package_manager_client.transfer import ItemGone, Transfer, is_gone

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.localfile import LocalFile
    from slicer_package_manager_client.registry import Document

#: Retries of a metadata update that conflicts with one of another process.
_CONFLICTS = 4
#: Statuses of an outcome.
UPLOADED, REPLACED, UNCHANGED, UPDATED, REGISTERED = 'uploaded', 'replaced', 'unchanged', 'updated', 'registered'


@dataclass
class Outcome:
    """Result of a publication.

    :param file: the file of the item; ``None`` for a plan.
    :param created: whether the item is new.
    :param notes: remarks for the user.
    :param sent: how many bytes were sent; fewer than those of the file if an upload was resumed.
    :param attestation_url: where the attestation is, if one was sent.
    """

    status: str
    item: Document
    created: bool = False
    notes: list[str] = field(default_factory=list)
    file: Document | None = None
    sent: int = 0
    attestation_url: str | None = None


@dataclass(frozen=True)
class Link:
    """A file that is hosted elsewhere."""

    url: str
    file_name: str | None = None
    size: int | None = None
    sha512: str | None = None


class _Moved(Exception):
    """The server updated another item than the one that was found."""

    def __init__(self, item: Document) -> None:
        super().__init__()
        self.item = item


class Publication:
    """Publication of one package or extension.

    :param values: REST parameters of its metadata.
    """

    def __init__(self, client: Connection, package_type: PackageType, app: Document, values: dict[str, Any], *,
                 journal: Journal | None = None) -> None:
        self._client = client
        self._package_type = package_type
        self._app = app
        self._values = dict(values)
        self._journal = journal or Journal()
        self._sent = 0

    def plan(self, source: LocalFile | None, *, force: bool = False) -> Outcome:
        """Return the expected outcome, without changing anything."""
        item = registry.registered(self._client, self._package_type, self._app, self._values)
        if item is None:
            return Outcome(UPLOADED if source else REGISTERED, {'meta': self._values})
        if source is None:
            return Outcome(REGISTERED, item)
        files = self._files(item)
        if force or not self._has_file(files, source):
            return Outcome(REPLACED if files else UPLOADED, item)
        return Outcome(UNCHANGED if self._has_metadata(item) else UPDATED, item)

    def send(self, source: LocalFile, *, force: bool = False) -> Outcome:
        """Upload ``source`` as the only file of the item, and set the given metadata.

        :param force: send the file even if the server has it already.
        :raises ChecksumMismatch: the server received damaged bytes, which were deleted.
        :raises Conflict: another process keeps deleting the item.
        """
        self._client.retries.refill()
        try:
            return self._client.retries.attempts(lambda error: isinstance(error, ItemGone))(
                self._register_and_fill, source, force=force)
        except ItemGone as error:
            raise Conflict(f'The {self._package_type.label} is deleted again and again while it is uploaded: {error}',
                           server=self._client.urlBase, advice='Does another process delete it?') from error

    def _register_and_fill(self, source: LocalFile, *, force: bool) -> Outcome:
        item = registry.registered(self._client, self._package_type, self._app, self._values)
        if item is None:
            item = self.register(new=True)
            outcome = self._fill(item, source, force=force, updated=True)
            outcome.created = True
            return outcome
        try:
            return self._fill(item, source, force=force, updated=False)
        except _Moved as moved:
            return self._fill(moved.item, source, force=force, updated=True)

    def link(self, link: Link) -> Outcome:
        """Register the URL of a file that is hosted elsewhere as the file of the item."""
        existing = registry.registered(self._client, self._package_type, self._app, self._values)
        if existing:
            self._add_required(existing)
        item = self.register({'url': link.url, **registry.given(
            file_name=link.file_name, size=link.size, sha512=link.sha512)}, new=existing is None)
        files = self._files(item)
        if not files or files[-1].get('linkUrl', link.url) != link.url:
            raise SlicerPackageManagerError(
                'The server did not register the URL; it may be too old for that.', server=self._client.urlBase)
        return Outcome(REGISTERED, self._client.getItem(item['_id']), created=existing is None, file=files[-1])

    def attest(self, outcome: Outcome, attestation: bytes) -> None:
        """Store ``attestation`` as that of the file of ``outcome``.

        :raises SlicerPackageManagerError: the server is too old for that.
        """
        outcome.attestation_url = provenance.attest(
            self._client, self._package_type, self._app, outcome.item, attestation)

    def describe(self, outcome: Outcome, readme: bytes) -> None:
        """Store ``readme`` as that of the extension of ``outcome``.

        :raises SlicerPackageManagerError: the server is too old for that.
        """
        readmes.send(self._client, self._app, outcome.item, readme)

    def register(self, more: Document | None = None, *, new: bool = False) -> Document:
        """Create the item, or update its metadata.

        :param new: the item does not exist yet, so that no empty value has to clear anything.
        """
        data = {key: str(value).lower() if isinstance(value, bool) else value
                for key, value in {**self._values, **(more or {})}.items() if value != '' or not new}
        for one in self._package_type.fields:
            if one.sent:
                data.setdefault(one.key, '')
        # The server answers 409 while another process changes the same item.
        attempts = dataclasses.replace(self._client.retries, times=_CONFLICTS).attempts(_is_conflict)
        document: Document = attempts(
            self._client.post, f'app/{self._app["_id"]}/{self._package_type.label}', data=data)
        return document

    def _fill(self, item: Document, source: LocalFile, *, force: bool, updated: bool) -> Outcome:
        files = self._files(item)
        self._add_required(item)
        if not force and self._has_file(files, source):
            return self._update(item, files[0], source, updated=updated)
        stored = next((file['_id'] for file in files if not file.get('linkUrl')), None)
        document = self._put(item['_id'], source, stored, None if updated else lambda: self._update_metadata(item))
        self._name(document, source)
        return self._concluded(item['_id'], document, source, REPLACED if files else UPLOADED)

    def _update(self, item: Document, file: Document, source: LocalFile, *, updated: bool) -> Outcome:
        """Update the name and the metadata; the file is there already."""
        renamed = self._name(file, source)
        if renamed and not self._has_file(self._files(item), source):
            # Another process replaced the bytes before the rename: the last upload wins, with its bytes and its name.
            return self._fill(item, source, force=True, updated=updated)
        file = {**file, 'name': source.name}
        if updated or self._has_metadata(item):
            return Outcome(UPDATED if renamed else UNCHANGED, item, file=file)
        return Outcome(UPDATED, self.register(), file=file)

    def _name(self, file: Document, source: LocalFile) -> bool:
        """Rename the file if the server ignored the name in the upload; return whether it had another name."""
        if file['name'] == source.name:
            return False
        try:
            self._client.put(f'file/{file["_id"]}', parameters={'name': source.name})
        except HttpError as error:
            if not is_gone(error):
                raise
        return True

    def _put(self, item_id: str, source: LocalFile, replaces: str | None, before_last: Any) -> Document:
        transfer = Transfer(self._client, self._journal, source, item_id, replaces=replaces, before_last=before_last)
        try:
            return self._require_intact(self._run(transfer), source)
        except ChecksumMismatch:
            source.require_unchanged()
            if not transfer.interrupted:
                raise
        # A server that stopped within a chunk may report a wrong offset: send the whole file again.
        transfer = Transfer(self._client, self._journal, source, item_id, replaces=replaces)
        return self._require_intact(self._run(transfer), source)

    def _run(self, transfer: Transfer) -> Document:
        try:
            return transfer.run()
        finally:
            self._sent += transfer.sent

    def _require_intact(self, document: Document, source: LocalFile) -> Document:
        sha512 = document.get('sha512')
        if document.get('size') == source.size and (not sha512 or sha512 == source.digest()):
            return document
        self._client.delete(f'file/{document["_id"]}')
        raise ChecksumMismatch(
            f'The server received "{source.name}" damaged (sha512 {sha512} instead of '
            f'{source.digest()}); it was deleted there.', server=self._client.urlBase, advice='Run again.')

    def _update_metadata(self, item: Document) -> None:
        with self._client.explained():
            answer = self.register()
        if answer['_id'] != item['_id']:
            raise _Moved(answer)

    def _add_required(self, item: Document) -> None:
        """Add the current values of required parameters that were not given."""
        for one in self._package_type.fields:
            if one.sent:
                self._values.setdefault(one.key, item['meta'].get(one.key, ''))

    def _concluded(self, item_id: str, document: Document, source: LocalFile, status: str) -> Outcome:
        """Return the outcome, with remarks about what readers get now."""
        outcome = Outcome(status, self._client.getItem(item_id), file={**document, 'name': source.name},
                          sent=self._sent)
        if not document.get('sha512'):
            outcome.notes.append('The server reported no checksum; only the size was compared.')
        elif all((file['_id'], file.get('sha512')) != (document['_id'], document['sha512'])
                 for file in self._files(outcome.item)):
            outcome.notes.append('Another upload of the same item came after this one and replaced it.')
        return outcome

    def _files(self, item: Document) -> list[Document]:
        files: list[Document] = self._client.get(f'item/{item["_id"]}/files')
        return files

    def _has_metadata(self, item: Document) -> bool:
        current = {**item['meta'], 'description': item['meta'].get('description', item.get('description', ''))}
        return all(_as_text(current.get(key, '')) == _as_text(value) for key, value in self._values.items())

    @staticmethod
    def _has_file(files: list[Document], source: LocalFile) -> bool:
        return (len(files) == 1 and files[0].get('size') == source.size and not files[0].get('linkUrl')
                and files[0].get('sha512') == source.digest())


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, HttpError) and error.status == 409  # noqa: PLR2004
