"""The form of attestations, and what they are about."""
import json

import pytest

from plugin_tests.attested import BUNDLE, attestation, bundle, sha256, statement
from slicer_package_manager.registry.schema import attestations

FILE, OTHER = b'file', b'other'


def about(content, file=FILE):
    return attestations.about(sha256(file), attestations.parse(content))


def test_a_bundle_is_kept_as_it_is():
    content = json.dumps(bundle(OTHER, FILE), indent=4).encode()
    assert about(content + b'\n') == (content, BUNDLE)


def test_older_bundles_keep_their_media_type():
    media_type = 'application/vnd.dev.sigstore.bundle+json;version=0.2'
    chain = {'x509CertificateChain': {'certificates': []}}
    assert about(attestation(FILE, mediaType=media_type, verificationMaterial=chain)).media_type == media_type


def test_of_json_lines_those_about_the_file_are_kept():
    lines = [attestation(FILE), attestation(OTHER), b'', attestation(OTHER, FILE)]
    assert about(b'\n'.join(lines)) == (lines[0] + b'\n' + lines[3] + b'\n', 'application/jsonl')
    assert about(b'\n'.join(lines[:3])) == (lines[0], BUNDLE)


def test_an_attestation_of_other_files_names_them():
    with pytest.raises(ValueError, match=sha256(OTHER)[:16]) as refused:
        about(attestation(OTHER))
    assert sha256(FILE)[:16] in str(refused.value)
    with pytest.raises(ValueError, match='and others'):
        about(attestation(*(bytes([one]) for one in range(9))))


@pytest.mark.parametrize(('content', 'reason'), [
    (b'', 'is empty'),
    (b' \n\n', 'is empty'),
    (b'{', 'neither JSON nor JSON lines'),
    (attestation(FILE) + b'\n{', 'line 2'),
    (b'\xff\xfe', 'neither JSON'),
    (b'[' * 100_000, 'neither JSON'),
    (b'[]', 'lacks the text "mediaType"'),
    (b'null', 'lacks the text "mediaType"'),
    (b'7', 'lacks the text "mediaType"'),
    (attestation(FILE, mediaType='text/plain'), 'text/plain'),
    (attestation(FILE, mediaType=7), 'mediaType'),
    (attestation(FILE, verificationMaterial=None), 'verificationMaterial'),
    (attestation(FILE, verificationMaterial={}), 'x509CertificateChain'),
    (attestation(FILE, verificationMaterial={'certificate': 'x'}), 'certificate'),
    (attestation(FILE, dsseEnvelope=None), 'dsseEnvelope'),
    (attestation(FILE, dsseEnvelope=None, messageSignature={}), 'dsseEnvelope'),
    (attestation(FILE, envelope={'signatures': []}), 'without a signature'),
    (attestation(FILE, envelope={'signatures': {}}), 'without a signature'),
    (attestation(FILE, envelope={'signatures': [7]}), 'sig'),
    (attestation(FILE, envelope={'signatures': [{'sig': '?'}]}), 'no Base64'),
    (attestation(FILE, envelope={'payload': 'é'}), 'no Base64'),
    (attestation(FILE, envelope={'payloadType': 'text/plain'}), 'payloadType'),
    (attestation(payload=b'{'), 'no JSON'),
    (attestation(payload=[]), '_type'),
    (attestation(payload=statement(FILE, _type='https://example.org')), 'https://example.org'),
    (attestation(payload=statement(FILE, predicateType=None)), 'predicateType'),
    (attestation(payload=statement(FILE, subject=None)), 'without a subject'),
    (attestation(payload=statement(FILE, subject=[])), 'without a subject'),
    (attestation(payload=statement(FILE, subject=[7])), 'digest'),
    (attestation(payload=statement(FILE, subject=[{'digest': {'sha512': 'a' * 64}}])), 'without a subject'),
    (attestation(payload=statement(FILE, subject=[{'digest': {'sha256': ['a']}}])), 'without a subject'),
    (attestation(payload=statement(FILE, subject=[{'digest': {'sha256': sha256(FILE).upper()}}])), 'without a subject'),
], ids=str)
def test_what_is_not_well_formed_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        attestations.parse(content)
