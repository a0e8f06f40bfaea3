"""Verification of attestations by the library ``sigstore``, with a Sigstore instance of the tests."""
import json
import sys

import pytest
from sigstore.models import TrustedRoot
from sigstore.verify import Verifier
from sigstore_instance import ISSUER, Instance, b64

from slicer_package_manager_client.attestations import Verification
from slicer_package_manager_client.errors import InvalidRequest, Unverified
from slicer_package_manager_client.fields import EXTENSION

REPOSITORY, FILE, OTHER = 'SlicerIGT/SlicerIGT', b'content' * 1000, b'other'
NAME = '33000-linux-amd64-Foo-git1.tar.gz'


@pytest.fixture(scope='session')
def instance():
    return Instance()


@pytest.fixture(scope='session')
def verifier(instance, tmp_path_factory):
    path = tmp_path_factory.mktemp('sigstore') / 'trusted_root.json'
    path.write_text(instance.trusted_root())
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


@pytest.fixture
def verification(verifier):
    return Verification(REPOSITORY, verifier)


def changed(content, change):
    """A bundle in which ``change`` has changed something."""
    document = json.loads(content)
    change(document, document['verificationMaterial']['tlogEntries'][0])
    return json.dumps(document).encode()


def test_a_bundle_of_the_repository_attests_its_subjects(verification, instance):
    attested = verification.attested(instance.bundle(REPOSITORY, FILE, OTHER))
    assert len(attested) == 2


def test_of_several_bundles_one_that_is_valid_suffices(verification, instance):
    lines = [instance.bundle('evil/fork', OTHER), instance.bundle(REPOSITORY, FILE)]
    (attested,) = verification.attested(b'\n'.join(lines))
    assert attested in verification.attested(lines[1]), 'what the other one says does not count'


@pytest.mark.parametrize(('make', 'reason'), [
    (lambda one: one.bundle('evil/fork', FILE), 'evil/fork'),
    (lambda one: one.bundle(f'{REPOSITORY}2', FILE), 'SlicerIGT2'),
    (lambda one: one.bundle(REPOSITORY.lower(), FILE), 'slicerigt'),
    (lambda one: one.bundle(REPOSITORY, FILE, issuer='https://gitlab.com'), 'https://gitlab.com'),
    (lambda one: one.bundle(REPOSITORY, FILE, issuer=f'{ISSUER}/octo'), 'octo'),
    (lambda one: one.bundle(REPOSITORY, FILE, predicate='https://spdx.dev/Document'), 'does not say how'),
    (lambda _: Instance().bundle(REPOSITORY, FILE), 'chain'),
    (lambda _: b'{}', 'has built'), (lambda _: b'', 'empty'), (lambda _: b'[7]', 'has built'),
    (lambda _: b'{', 'has built')])
def test_another_bundle_attests_nothing(verification, instance, make, reason):
    with pytest.raises(Unverified, match=reason):
        verification.attested(make(instance))


def set_payload(document, entry):
    payload = {'predicateType': 'https://slsa.dev/provenance/v1', 'subject': []}
    document['dsseEnvelope']['payload'] = b64(json.dumps(payload).encode())


def set_signature(document, entry):
    document['dsseEnvelope']['signatures'][0]['sig'] = b64(b'signature')


def set_time(document, entry):
    entry['integratedTime'] = str(int(entry['integratedTime']) + 3600)


def set_promise(document, entry):
    entry['inclusionPromise']['signedEntryTimestamp'] = b64(b'promise')


def remove_promise(document, entry):
    del entry['inclusionPromise']


def set_checkpoint(document, entry):
    envelope = entry['inclusionProof']['checkpoint']['envelope']
    entry['inclusionProof']['checkpoint']['envelope'] = envelope.replace('\n1\n', '\n2\n')


def remove_entry(document, entry):
    document['verificationMaterial']['tlogEntries'] = []


@pytest.mark.parametrize('change', [
    set_payload, set_signature, set_time, set_promise, remove_promise, set_checkpoint, remove_entry])
def test_a_bundle_that_was_changed_attests_nothing(verification, instance, change):
    content = instance.bundle(REPOSITORY, FILE)
    assert verification.attested(content)
    with pytest.raises(Unverified):
        verification.attested(changed(content, change))


@pytest.mark.parametrize('name', ['', 'SlicerIGT', 'a/b/c', 'https://github.com/a/b', 'a/b\n', 'a /b'])
def test_what_is_no_repository_is_refused(verifier, name):
    with pytest.raises(InvalidRequest):
        Verification(name, verifier)


# Downloads

@pytest.fixture
def item(girder):
    return girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'revision': '1'}, FILE, NAME)


@pytest.fixture
def download(run, item, verifier, monkeypatch, tmp_path):
    monkeypatch.setattr(Verifier, 'production', lambda **_: verifier)
    return lambda *args: run('extension', 'download', 'Slicer', item['_id'], '--dir-path', tmp_path / 'out',
                             '--verify-provenance', REPOSITORY, *args)


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / 'out').glob('*'))


def test_a_file_of_the_repository_is_downloaded(download, girder, item, instance, tmp_path):
    girder.attestations[item['_id']] = instance.bundle(REPOSITORY, FILE)
    done = download()
    assert (done.exit_code, left(tmp_path)) == (0, [NAME]), done.stderr
    assert (tmp_path / 'out' / NAME).read_bytes() == FILE


@pytest.mark.parametrize(('make', 'reason'), [
    (lambda one: one.bundle('evil/fork', FILE), 'evil/fork'),
    (lambda one: one.bundle(REPOSITORY, OTHER), 'is not about'),
    (lambda _: None, 'has no attestation')])
def test_another_file_is_not_stored(download, girder, item, instance, tmp_path, make, reason):
    content = make(instance)
    girder.attestations = {item['_id']: content} if content else {}
    done = download('--json')
    assert (done.exit_code, left(tmp_path)) == (8, []), done.stderr
    assert reason in done.stderr
    assert json.loads(done.stdout)['error']['code'] == 'unverified'


def test_a_file_without_a_valid_attestation_is_not_even_requested(download, girder, item, instance):
    girder.attestations[item['_id']] = instance.bundle('evil/fork', FILE)
    assert download().exit_code == 8
    assert girder.asked('GET', '/file/.*/download') == []


def test_a_file_that_is_there_already_is_verified_and_left(download, girder, item, instance, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / NAME).write_bytes(FILE)
    girder.attestations[item['_id']] = instance.bundle(REPOSITORY, OTHER)
    assert (download().exit_code, left(tmp_path)) == (8, [NAME])
    girder.attestations[item['_id']] = instance.bundle(REPOSITORY, FILE)
    assert download().exit_code == 0


def test_a_server_without_attestations_is_reported(download, girder):
    girder.attestations = None
    assert download().exit_code == 8


def test_without_the_library_the_command_says_how_to_install_it(download, girder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'sigstore', None)
    done = download()
    assert (done.exit_code, 'pip install "sigstore' in done.stderr) == (1, True), done.stderr
    assert girder.asked('GET', '/file/.*/download') == []


def test_keys_that_cannot_be_fetched_are_a_problem_of_the_network(download, monkeypatch):
    def fail(**_):
        raise OSError('no route to host')
    monkeypatch.setattr(Verifier, 'production', fail)
    done = download()
    assert (done.exit_code, 'keys of Sigstore' in done.stderr) == (6, True), done.stderr


def test_python_programs_verify_too(client, girder, item, instance, verifier, monkeypatch, tmp_path):
    monkeypatch.setattr(Verifier, 'production', lambda **_: verifier)
    girder.attestations[item['_id']] = instance.bundle('evil/fork', FILE)
    with pytest.raises(Unverified):
        client.fetch(EXTENSION, 'Slicer', item['_id'], dir_path=tmp_path / 'out', verify_provenance=REPOSITORY)
