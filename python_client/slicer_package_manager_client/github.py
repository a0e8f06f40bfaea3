"""Upload of release assets to GitHub, repeatable after any interruption."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import requests

from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    Conflict,
    InvalidRequest,
    NetworkProblem,
    NotFound,
    Refused,
    SlicerPackageManagerError,
)
from slicer_package_manager_client.explain import TRANSIENT, explain_connection, is_lasting
from slicer_package_manager_client.github_session import Answered, Body, RateLimited, Session, message_of
from slicer_package_manager_client.retry import is_transient_status
from slicer_package_manager_client.transfer import content_type

if TYPE_CHECKING:
    from typing_extensions import Self

    from slicer_package_manager_client.localfile import LocalFile
    from slicer_package_manager_client.retry import Retries

API_URL = 'https://api.github.com'
SIZE_LIMIT = 2 << 30
_REPOSITORY = re.compile(r'[A-Za-z0-9-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+')
_PER_PAGE = 100
_UNREADABLE = re.compile(r'[^A-Za-z0-9._@+?-]')

_KINDS = {401: Refused, 403: Refused, 404: NotFound, 409: Conflict, 422: Conflict}
_ADVICE = {
    401: 'Check GITHUB_TOKEN or --github-token-file.',
    403: 'The token needs "contents: write" for this repository.',
    404: 'Does the repository exist, and may the token write to it ("contents: write")?',
}


@dataclass(frozen=True)
class Asset:
    """A file of a release, under the name that GitHub gave it.

    :param checked: whether GitHub reported a digest to compare with, and not just the size.
    :param sent: how many bytes were sent.
    """

    name: str
    url: str
    checked: bool
    sent: int = field(compare=False)


class _TryAgain(Exception):
    """A failure that the next attempt may cure."""

    def __init__(self, reason: Exception | None = None) -> None:
        super().__init__(str(reason or ''))
        self.response = getattr(reason, 'response', None)
        self.reason = reason


class GitHub:
    """The releases of one repository.

    :param repository: ``owner/name``.
    :param token: sent only to the API and to the upload host that the API names.
    :raises InvalidRequest: the name of the repository is invalid.
    """

    def __init__(self, repository: str, token: str, *, retries: Retries, timeout: float,
                 api_url: str = API_URL, progress: Any) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidRequest(f'"{repository}" is not a GitHub repository; write it as owner/name.')
        self.repository = repository
        self._base = f'{api_url.rstrip("/")}/repos/{repository}'
        self._retries = retries
        self._progress = progress
        self._http = Session(token, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.close()

    def publish(self, tag: str, source: LocalFile) -> Asset:
        """Upload ``source`` as an asset of the release ``tag``, which is created if it is missing.

        Each attempt first reads the current assets, so that the call may be repeated after any interruption.

        :raises Conflict: another file of that name is in a release that cannot be changed.
        :raises ChecksumMismatch: GitHub received other bytes; the asset is deleted.
        """
        if source.size >= SIZE_LIMIT:
            raise InvalidRequest(f'"{source.name}" has {source.size} bytes; GitHub takes less than 2 GiB.')
        release = self._release(tag)
        try:
            asset: Asset = self._retries.attempts(_is_transient)(self._publish_once, release, source)
        except _TryAgain as error:
            self._fail(error.reason or error)
        except requests.RequestException as error:
            self._fail(error)
        return asset

    def _release(self, tag: str) -> dict[str, Any]:
        path = f'{self._base}/releases/tags/{tag}'
        found = self._json('GET', path, missing_ok=True)
        if found is not None:
            return found
        try:
            return self._json('POST', f'{self._base}/releases', {'tag_name': tag}) or {}
        except Conflict:
            found = self._json('GET', path, missing_ok=True)
            if found is None:
                raise
            return found  # another machine has created it since

    def _publish_once(self, release: dict[str, Any], source: LocalFile) -> Asset:
        """Make one attempt: leave an identical asset as it is, replace any other."""
        asset = self._find(release, source.name)
        if asset is not None:
            if asset['state'] == 'uploaded' and _is_same(asset, source):
                return _asset(asset, sent=0)
            self._remove(asset, release)
        asset = self._upload(release, source)
        try:
            _require_intact(asset, source)
        except ChecksumMismatch:
            self._remove(asset, release)
            raise
        return _asset(asset, sent=source.size)

    def _find(self, release: dict[str, Any], name: str) -> dict[str, Any] | None:
        names = {name, _UNREADABLE.sub('.', name)}
        page = 1
        while True:
            assets = self._http.ask('GET', f'{self._base}/releases/{release["id"]}/assets', params={
                'per_page': _PER_PAGE, 'page': page}).json()
            for asset in assets:
                if asset['name'] in names or asset.get('label') == name:
                    return dict(asset)
            if len(assets) < _PER_PAGE:
                return None
            page += 1

    def _remove(self, asset: dict[str, Any], release: dict[str, Any]) -> None:
        immutable = release.get('immutable')
        if not immutable:
            try:
                self._http.ask('DELETE', f'{self._base}/releases/assets/{asset["id"]}')
            except Answered as error:
                if error.response.status_code == 404:  # noqa: PLR2004
                    return
                immutable = error.response.status_code == 422  # noqa: PLR2004
                if not immutable:
                    raise
        if immutable:
            raise Conflict(
                f'Another file "{asset["name"]}" is in the release "{release.get("tag_name")}" of '
                f'{self.repository}, which cannot be changed any more.',
                advice='Publish under a new tag: --github-tag.')

    def _upload(self, release: dict[str, Any], source: LocalFile) -> dict[str, Any]:
        url = release['upload_url'].split('{', 1)[0]
        source.require_unchanged()
        try:
            with self._progress(label=source.name, length=source.size) as reporter:
                answer = self._http.ask('POST', url, params={'name': source.name}, data=Body(source, reporter),
                                    headers={'Content-Type': content_type(source.name)})
        except Answered as error:
            if 'already_exists' in error.response.text:
                raise _TryAgain(error) from error
            raise
        return dict(answer.json())

    def _json(self, method: str, url: str, body: Any = None, *,
              missing_ok: bool = False) -> dict[str, Any] | None:
        try:
            answer = self._retries.attempts(_is_transient)(self._http.ask, method, url, json=body)
        except requests.RequestException as error:
            if missing_ok and isinstance(error, Answered) and error.response.status_code == 404:  # noqa: PLR2004
                return None
            self._fail(error)
        return dict(answer.json())

    def _fail(self, error: BaseException) -> NoReturn:
        """Explain the failure.

        :raises SlicerPackageManagerError: always.
        """
        if isinstance(error, requests.RequestException) and not isinstance(error, Answered):
            raise explain_connection(error, self._base) from error
        if not isinstance(error, Answered):
            raise NetworkProblem(f'GitHub failed: {error}.', server=self._base) from error
        status = error.response.status_code
        if _is_transient(error):
            raise NetworkProblem(f'GitHub failed or limits requests (status {status}): '
                                 f'{message_of(error.response)}', server=self._base,
                                 advice='Run again later.') from error
        kind = _KINDS.get(status, SlicerPackageManagerError)
        raise kind(f'GitHub refused with status {status}: {message_of(error.response)}', server=self._base,
                   advice=_ADVICE.get(status, '')) from error


def _require_intact(asset: dict[str, Any], source: LocalFile) -> None:
    source.require_unchanged()
    if not _is_same(asset, source):
        raise ChecksumMismatch(
            f'GitHub received "{source.name}" damaged (digest {asset.get("digest")}, {asset.get("size")} bytes); '
            'it was removed there.', advice='Run again.')


def _asset(document: dict[str, Any], *, sent: int) -> Asset:
    return Asset(document['name'], document['browser_download_url'],
                 str(document.get('digest')).startswith('sha256:'), sent)


def _is_same(asset: dict[str, Any], source: LocalFile) -> bool:
    """Whether an asset is identical to the file; without a digest from GitHub, whether the sizes are equal."""
    digest = asset.get('digest')
    return asset.get('size') == source.size and (
        not digest or not str(digest).startswith('sha256:')
        or digest == f'sha256:{source.digest("sha256")}')


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, Answered):
        return isinstance(error, RateLimited) or is_transient_status(error.response.status_code)
    return isinstance(error, _TryAgain) or (
        isinstance(error, TRANSIENT) and not is_lasting(error, first_contact=False))
