"""Upload of one file, or registration of its URL, as the options of the command state."""
from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from slicer_package_manager_client import attestations, checks, config, readmes, tags
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.cli import output
from slicer_package_manager_client.errors import InvalidRequest, Refused, SlicerPackageManagerError
from slicer_package_manager_client.fields import EXTENSION, PACKAGE

if TYPE_CHECKING:
    from slicer_package_manager_client.cli.session import Session
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.localfile import LocalFile
    from slicer_package_manager_client.publish import Link, Outcome, Publication
    from slicer_package_manager_client.registry import Document

_SHA512 = re.compile(r'[0-9a-fA-F]{128}')


class FileUpload:
    """Upload of one file.

    :param client: returns the client, which is created after the file was checked.
    :param app: the application, or its name.
    :param filepath: ``None`` to register a URL only.
    :param given: the options of the command.
    :param values: metadata by the names of options.
    """

    def __init__(self, session: Session, client: Callable[[], SlicerPackageClient], package_type: PackageType,
                 app: str | Document, filepath: str | None, given: dict[str, Any], values: dict[str, Any]) -> None:
        self._session = session
        self._new_client = client
        self._package_type = package_type
        self._app = app
        self._filepath = filepath
        self._given = given
        self._values = values

    def run(self) -> Outcome:
        """Carry out the upload, or plan it with ``--dry-run``."""
        self._package_type.by_option(self._values)  # complains before the file is read
        readme = readmes.read(Path(self._given['readme'])) if self._given.get('readme') else None
        outcome = self._with_file() if self._filepath else self._register_only()
        if readme is not None and not self._given['dry_run']:
            self._describe(outcome, readme)
        elif self._searches_readme and not self._given['dry_run']:
            self._describe_by_archive(outcome)
        return outcome

    @property
    def _searches_readme(self) -> bool:
        return bool(self._package_type is EXTENSION and self._filepath and not self._given['no_readme'])

    def _describe(self, outcome: Outcome, readme: bytes) -> None:
        with self._new_client().explained():
            self._publication.describe(outcome, readme)

    def _describe_by_archive(self, outcome: Outcome) -> None:
        """Send the README in the archive, if there is one. The upload has succeeded in any case."""
        readme = readmes.inside(Path(str(self._filepath)))
        if readme is None:
            return
        try:
            self._describe(outcome, readme)
        except SlicerPackageManagerError as error:
            outcome.notes.append(f'The README in the archive was not stored: {error}')

    @cached_property
    def _publication(self) -> Publication:
        return self._new_client().publication(self._package_type, self._app, self._values,
                                              coll_id=self._given['coll_id'], clear=self._given['clear'])

    def _with_file(self) -> Outcome:
        from slicer_package_manager_client.localfile import LocalFile

        algorithms = (('sha512', 'sha256') if self._given['github_repo'] or self._given['attestation'] else
                      ('sha512',))
        with LocalFile(str(self._filepath), algorithms) as source:
            if not self._given['no_check']:
                checks.require(source.path, installers=self._package_type is PACKAGE)
            link = self._link(source) if self._given['url'] else None
            attestation = self._attestation(source) if self._given['attestation'] else None
            with self._new_client().explained():
                return self._publish(source, link, attestation)

    def _attestation(self, source: LocalFile) -> bytes:
        content = attestations.read(Path(self._given['attestation']))
        attestations.require_about(content, source.digest('sha256'), source.path)
        return content

    def _publish(self, source: LocalFile, link: Link | None, attestation: bytes | None) -> Outcome:
        publication = self._publication
        if self._given['github_repo']:
            return self._on_github(publication, source)
        if link:
            return publication.plan(None) if self._given['dry_run'] else publication.link(link)
        if self._given['dry_run']:
            return publication.plan(source, force=self._given['force'])
        outcome = publication.send(source, force=self._given['force'])
        if attestation:
            publication.attest(outcome, attestation)
        return outcome

    def _register_only(self) -> Outcome:
        link = self._link(None)
        with self._new_client().explained():
            publication = self._publication
            return publication.plan(None) if self._given['dry_run'] else publication.link(link)

    def _link(self, source: LocalFile | None) -> Link:
        from slicer_package_manager_client.publish import Link

        url, size, sha512, name = (self._given[key] for key in ('url', 'size', 'sha512', 'file_name'))
        if not url.lower().startswith('https://'):
            raise InvalidRequest(f'"{without_credentials(url)}" is no https URL.')
        if without_credentials(url) != url:
            raise InvalidRequest('The URL in --url contains a user name or a password, which would be published.')
        if sha512 and not _SHA512.fullmatch(sha512):
            raise InvalidRequest('--sha512 is not 128 hexadecimal digits.')
        if source is None:
            return Link(url, name, size, sha512 and sha512.lower())
        if size not in {None, source.size} or (sha512 and sha512.lower() != source.digest()):
            raise InvalidRequest(f'--size or --sha512 is not that of "{source.path}".')
        return Link(url, name or source.name, source.size, source.digest())

    def _on_github(self, publication: Publication, source: LocalFile) -> Outcome:
        from slicer_package_manager_client.github import GitHub
        from slicer_package_manager_client.publish import Link

        tag = tags.tag(self._given['github_tag'], {
            **self._values, 'app_name': self._given['app_name'],
            'app_revision': self._values.get('app_revision') or self._values.get('revision')})
        token = self._token()
        if self._given['dry_run']:
            outcome = publication.plan(None)
            outcome.item = {**outcome.item, 'github': {'repository': self._given['github_repo'], 'tag': tag}}
            return outcome
        client = self._new_client()
        with GitHub(self._given['github_repo'], token, retries=client.retries.separate(),
                    timeout=self._session.timeout, api_url=self._given['github_api_url'],
                    progress=client.progressReporterCls) as github:
            asset = github.publish(tag, source)
        outcome = publication.link(Link(asset.url, source.name, source.size, source.digest()))
        outcome.sent = asset.sent
        if not asset.checked:
            outcome.notes.append('GitHub reported no digest of the asset; only its size was compared.')
        return outcome

    def _token(self) -> str:
        path, token = self._given['github_token_file'], config.environment('GITHUB_TOKEN')
        if path:
            config.require_private(path, output.note)
            token = config.read_secret(path, 'GitHub token')
        if not token:
            raise Refused('There is no GitHub token.', advice='Set GITHUB_TOKEN, or give --github-token-file.')
        self._session.keep_secret(token)
        return token
