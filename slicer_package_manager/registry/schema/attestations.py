"""Attestations: signed statements about how a file was made, in the form that clients send them.

An attestation consists of Sigstore bundles, as ``actions/attest-build-provenance`` of GitHub makes them: one as JSON,
or several as JSON lines. In each, a DSSE envelope has an in-toto statement, whose subjects are files with their
checksums.

The server reads what a bundle is about, and does not verify its signature: whom to trust is up to the reader.

Sources: https://github.com/sigstore/protobuf-specs (``sigstore_bundle.proto``),
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""
from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

#: The largest attestation, in bytes. A bundle of one subject has about 12,000.
LARGEST = 512 * 1024
#: Media types of bundles, and of JSON lines.
BUNDLE, LINES = 'application/vnd.dev.sigstore.bundle.v0.3+json', 'application/jsonl'
_BUNDLES = (BUNDLE, *(f'application/vnd.dev.sigstore.bundle+json;version=0.{minor}' for minor in (1, 2, 3)))
_IN_TOTO = 'application/vnd.in-toto+json'
_STATEMENTS = ('https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1')
_SHA256 = re.compile('[0-9a-f]{64}')
_SHOWN = 60


class Bundle(NamedTuple):
    """A Sigstore bundle: its text, and the SHA-256 of the files that it is about."""

    text: bytes
    media_type: str
    subjects: frozenset[str]


class Attestation(NamedTuple):
    """The content of an attestation, and its media type."""

    content: bytes
    media_type: str


def about(sha256: str, bundles: list[Bundle]) -> Attestation:
    """Return those of ``bundles`` that are about the file with the checksum ``sha256``.

    :raises ValueError: there is none.
    """
    found = [one for one in bundles if sha256 in one.subjects]
    if not found:
        subjects = sorted(frozenset().union(*(one.subjects for one in bundles)))
        others = ', '.join(f'{one[:16]}...' for one in subjects[:3]) + (' and others' if subjects[3:] else '')
        raise ValueError(f'is about files with the SHA-256 {others}, and not about this one ({sha256[:16]}...)')
    if len(found) == 1:
        return Attestation(found[0].text, found[0].media_type)
    return Attestation(b''.join(one.text + b'\n' for one in found), LINES)


def parse(content: bytes) -> list[Bundle]:
    """Return the bundles in ``content``.

    :raises ValueError: it is not well-formed; the message states why.
    """
    try:
        documents = [(content.strip(), orjson.loads(content))]
    except ValueError:
        documents = [(line.strip(), _loaded(number, line)) for number, line in enumerate(content.splitlines(), 1)
                     if line.strip()]
    if not documents:
        raise ValueError('is empty')
    return [_bundle(text, document) for text, document in documents]


def _loaded(number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError as error:
        raise ValueError(f'is neither JSON nor JSON lines (line {number}: {error})') from None


def _bundle(text: bytes, document: Any) -> Bundle:
    media_type = _text(document, 'mediaType')
    if media_type not in _BUNDLES:
        raise ValueError(f'has a bundle with the mediaType "{media_type[:_SHOWN]}" instead of "{BUNDLE}"')
    material = _object(document, 'verificationMaterial')
    _object(material, 'x509CertificateChain' if 'certificate' not in material else 'certificate')
    envelope = _object(document, 'dsseEnvelope')
    signatures = envelope.get('signatures')
    if not isinstance(signatures, list) or not signatures:
        raise ValueError('has a bundle without a signature')
    for signature in signatures:
        _decoded(signature, 'sig')
    if _text(envelope, 'payloadType') != _IN_TOTO:
        raise ValueError(f'has a bundle with the payloadType "{_text(envelope, "payloadType")[:_SHOWN]}" instead of '
                         f'"{_IN_TOTO}"')
    return Bundle(text, media_type, _subjects(_decoded(envelope, 'payload')))


def _subjects(payload: bytes) -> frozenset[str]:
    try:
        statement = orjson.loads(payload)
    except ValueError as error:
        raise ValueError(f'has a statement that is no JSON ({error})') from None
    if _text(statement, '_type') not in _STATEMENTS:
        raise ValueError(f'has a statement of the type "{_text(statement, "_type")[:_SHOWN]}" instead of '
                         f'"{_STATEMENTS[0]}"')
    _text(statement, 'predicateType')
    subjects = statement.get('subject')
    found = frozenset(_digests(subjects if isinstance(subjects, list) else []))
    if not found:
        raise ValueError('has a statement without a subject that has a SHA-256')
    return found


def _digests(subjects: list[Any]) -> Iterator[str]:
    for subject in subjects:
        sha256 = _object(subject, 'digest').get('sha256')
        if isinstance(sha256, str) and _SHA256.fullmatch(sha256):
            yield sha256


def _object(document: Any, key: str) -> Mapping[str, Any]:
    found = document.get(key) if isinstance(document, dict) else None
    if isinstance(found, dict):
        return found
    raise ValueError(f'lacks the object "{key}"')


def _text(document: Any, key: str) -> str:
    found = document.get(key) if isinstance(document, dict) else None
    if isinstance(found, str):
        return found
    raise ValueError(f'lacks the text "{key}"')


def _decoded(document: Any, key: str) -> bytes:
    """Decode the value of ``key``, which is in Base64."""
    text = _text(document, key)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f'has a "{key}" that is no Base64') from None
