"""Attestations, Sigstore bundles about how a file was built: their subjects, and their verification.

1. The subjects of a bundle, files with their SHA-256, can be read without any library. An upload compares them with the
   file before it sends anything.
2. A verification requires the package ``sigstore``. It checks that a certificate of Sigstore has signed the bundle,
   that the signature is in the transparency log of Sigstore, and that the certificate was given to a run of GitHub
   Actions in a repository. What such bundles are about is trusted, and compared with the file that arrives.
"""
from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client.errors import (
    InvalidRequest,
    NetworkProblem,
    SlicerPackageManagerError,
    Unverified,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
#: More is refused by the server.
LARGEST = 512 * 1024
_ISSUER, _SITE = 'https://token.actions.githubusercontent.com', 'https://github.com'
_REPOSITORY = re.compile(r'[A-Za-z0-9-]+/[A-Za-z0-9._-]+')
#: The beginning of the types of statements that say how a file was built.
_PROVENANCE = 'https://slsa.dev/provenance/'


def read(path: Path) -> bytes:
    """Return the attestation in the file at ``path``.

    :raises InvalidRequest: it cannot be read, or is too large.
    """
    try:
        with path.open('rb') as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f'The attestation "{path}" cannot be read: {error.strerror}.') from error
    if len(content) > LARGEST:
        raise InvalidRequest(f'The attestation "{path}" has more than {LARGEST} bytes.')
    return content


def require_about(content: bytes, sha256: str, file: Path) -> None:
    """Check that an attestation is about the file with the checksum ``sha256``.

    :raises InvalidRequest: it is not, or it is no attestation.
    """
    try:
        found = {one for bundle in bundles(content) for one in _subjects(_statement(bundle))}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidRequest(
            f'The attestation is no Sigstore bundle ({error}); nothing was sent.',
            advice='Give the file that actions/attest-build-provenance names as bundle-path.') from error
    if sha256 not in found:
        raise InvalidRequest(f'The attestation is not about "{file}", whose SHA-256 is {sha256}; nothing was sent.',
                             advice='Attest the file after its last change.')


def bundles(content: bytes) -> Iterator[Any]:
    """Yield the documents in ``content``, which is JSON or JSON lines.

    :raises ValueError: it is neither.
    """
    try:
        yield json.loads(content)
    except ValueError:
        for line in filter(bytes.strip, content.splitlines()):
            yield json.loads(line)


def _statement(bundle: Any) -> Any:
    return json.loads(base64.b64decode(bundle['dsseEnvelope']['payload'], validate=True))


def _subjects(statement: Any) -> set[str]:
    return {str(one['digest'].get('sha256')) for one in statement['subject']}


def require_repository(name: str) -> None:
    """Check that ``name`` is the name of a repository on GitHub.

    :raises InvalidRequest: it is not.
    """
    if not _REPOSITORY.fullmatch(name):
        raise InvalidRequest(f'"{name}" is no repository on GitHub, such as SlicerIGT/SlicerIGT.')


class Verification:
    """Verification that runs of GitHub Actions in ``repository`` have built files.

    :param verifier: of sigstore; by default, that for the public instance of Sigstore, whose keys are fetched.
    :raises SlicerPackageManagerError: the package is not installed.
    :raises NetworkProblem: the keys of Sigstore cannot be fetched.
    """

    def __init__(self, repository: str, verifier: Any = None) -> None:
        require_repository(repository)
        self._repository = repository
        try:
            from sigstore import models, verify  # noqa: PLC0415 - an extra, which takes long to import
        except ImportError as error:
            raise SlicerPackageManagerError(
                'The verification of an attestation requires Python 3.10 and the package "sigstore", which is not '
                'installed.',
                advice='Install it beside the client: python -m pip install "sigstore>=4.5"') from error
        self._bundle = models.Bundle
        self._policy = verify.policy.AllOf([
            verify.policy.OIDCIssuerV2(_ISSUER), verify.policy.OIDCSourceRepositoryURI(f'{_SITE}/{repository}')])
        try:
            self._verifier = verifier or verify.Verifier.production()
        except Exception as error:  # those of several libraries
            raise NetworkProblem(f'The keys of Sigstore cannot be fetched: {error}.',
                                 advice='Try again; the proxy of HTTPS_PROXY is used.') from error

    def attested(self, content: bytes) -> frozenset[str]:
        """Return the SHA-256 of the files that the attestation ``content`` says a run in the repository has built.

        :raises Unverified: no bundle in it is valid; the message has the reason for each.
        """
        found, reasons = set(), []
        try:
            for bundle in bundles(content):
                try:
                    found |= self._verified(bundle)
                except Exception as error:  # noqa: BLE001 - a hostile bundle may make the library raise any
                    reasons.append(str(error))
        except ValueError as error:
            reasons.append(str(error))
        if not found:
            raise Unverified(f'The attestation does not prove that {self._repository} has built the file: '
                             f'{"; ".join(reasons) or "it is empty"}.')
        return frozenset(found)

    def _verified(self, bundle: Any) -> set[str]:
        _, payload = self._verifier.verify_dsse(self._bundle.from_json(json.dumps(bundle)), self._policy)
        statement = json.loads(payload)
        if not str(statement['predicateType']).startswith(_PROVENANCE):
            raise ValueError(f'a statement of the type "{statement["predicateType"]}" does not say how the file was '
                             'built')
        return _subjects(statement)

    def require(self, attested: frozenset[str], sha256: str, name: str) -> None:
        """Check that the file ``name`` with the checksum ``sha256`` is one of ``attested``.

        :raises Unverified: it is another file.
        """
        if sha256 not in attested:
            raise Unverified(f'The attestation of {self._repository} is not about "{name}" as it arrived, with the '
                             f'SHA-256 {sha256}.')
