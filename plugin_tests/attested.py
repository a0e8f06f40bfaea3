"""Attestations for tests, as ``actions/attest-build-provenance`` makes them; their signatures are not valid."""
import base64
import hashlib
import json

BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else json.dumps(text).encode()).decode()


def statement(*contents, **changes):
    return {'_type': 'https://in-toto.io/Statement/v1', 'predicateType': 'https://slsa.dev/provenance/v1',
            'subject': [{'name': f'{number}.tar.gz', 'digest': {'sha256': sha256(one)}}
                        for number, one in enumerate(contents)],
            'predicate': {'buildDefinition': {}}, **changes}


def bundle(*contents, payload=None, envelope=(), **changes):
    """A bundle about files with these ``contents``, as a document."""
    return {'mediaType': BUNDLE,
            'verificationMaterial': {'certificate': {'rawBytes': encoded(b'certificate')}, 'tlogEntries': [{}]},
            'dsseEnvelope': {'payload': encoded(statement(*contents) if payload is None else payload),
                             'payloadType': 'application/vnd.in-toto+json',
                             'signatures': [{'sig': encoded(b'signature')}], **dict(envelope)}, **changes}


def attestation(*contents, **changes):
    return json.dumps(bundle(*contents, **changes)).encode()
