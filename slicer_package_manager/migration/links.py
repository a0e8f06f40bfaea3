"""Links of the source: which of them this server delivers. One that is ``http`` is tried as ``https``.

The file there is read, but not stored. Only if it has the SHA-512 that the link or its item states, the URL is changed.
"""
from __future__ import annotations

import threading
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.links import fetch, policy
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.schema.types import Document

#: The most bytes that are read of a file whose size is not known.
_LARGEST = 16 << 30


class Links:
    """Checks links.

    :param hosts: to which links may point.
    :param others: to which these may redirect.
    :param advance: called with the numbers of bytes that are read.
    """

    def __init__(self, report: Report, hosts: Collection[str], others: Collection[str], advance: Advance, *, dry: bool
                 ) -> None:
        self._report, self._hosts, self._others, self._advance = report, hosts, others, advance
        self._dry, self._lock = dry, threading.Lock()
        self._refused: dict[tuple[str, str], int] = {}
        self._changed: set[str] = set()

    def note_changed(self, file: Document) -> None:
        """Note that ``file`` has another URL here than at the source."""
        self._changed.add(str(file['_id']))

    def checked(self, file: Document, here: Document | None) -> Document:
        """Return the link ``file``, with another URL if that can be, and note whether this server can deliver it.

        :param here: the link as it is here; what was tried before is not tried again.
        """
        wrong = policy.current().problem(file['linkUrl'], self._hosts)
        parts = _parts(file['linkUrl'])
        if wrong and parts and parts.scheme == 'http':
            url = _secure(parts)
            wrong = policy.current().problem(url, self._hosts) or self._missing(url, file, here)
            if not wrong:
                return self._with_url(file, url)
        if wrong:
            with self._lock:
                key = ((parts and parts.hostname) or '', wrong)
                self._refused[key] = self._refused.get(key, 0) + 1
        return file

    def _missing(self, url: str, file: Document, here: Document | None) -> str | None:
        """Why the bytes of ``file`` are not at ``url``; ``None`` if they are, or if that is not known in a dry run."""
        digest = file.get('sha512')
        if not digest:
            return 'must start with https://, which cannot be tried, since no SHA-512 is stated'
        if self._dry or (here and here.get('linkUrl') == url and here.get('sha512') == digest):
            return None
        try:
            self._read(url, file.get('size'), digest)
        except BadGateway as error:
            return f'must start with https://, and that was tried: {error}'
        return None

    def _read(self, url: str, size: int | None, digest: str) -> None:
        remote = fetch.fetch(url, hosts=[*self._hosts, *self._others])
        found = 0
        try:
            remote.require(size, 0)
            for chunk in fetch.verified(remote, size if size is not None else remote.size, digest):
                found += len(chunk)
                self._advance(len(chunk))
                if found > _LARGEST:
                    raise BadGateway(f'the file has more than {_LARGEST} bytes.')
        finally:
            remote.close()

    def _with_url(self, file: Document, url: str) -> Document:
        reason = (f'a migration tries {url}, and changes its URL if the file there has the SHA-512 that is stated'
                  if self._dry else f'its URL is now {url}, where the file has the SHA-512 that is stated')
        self._report.add([Note(Outcome.MENDED, 'file', str(file['_id']), file['name'], reason, fields=('linkUrl',))])
        self.note_changed(file)
        return {**file, 'linkUrl': url}

    def explains(self, note: Note) -> bool:
        """Whether a difference that the verification has found is a URL that was changed here."""
        return note.kind == 'file' and note.id in self._changed and 'linkUrl' in note.fields

    def notes(self) -> list[Note]:
        """One note for each host of links that cannot be delivered, and each reason."""
        return [Note(Outcome.UNDECIDED, 'link', host, host, f'{number} links cannot be delivered: the URL {wrong}',
                     f'Run the migration again with --allow-link-hosts {host}.' if 'on the host' in wrong else
                     'Upload these packages again with another URL.')
                for (host, wrong), number in sorted(self._refused.items())]


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # such as an invalid IPv6 address
        return None


def _secure(parts: SplitResult) -> str:
    return parts._replace(scheme='https', netloc=parts.netloc.removesuffix(':80')).geturl()
