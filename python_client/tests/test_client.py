"""What programs that import the package rely on."""
import inspect
import ssl

import pytest
import trustme
from fakes import FakeGirder
from pytest_httpserver import HTTPServer

import slicer_package_manager_client as package
from slicer_package_manager_client import GirderClient, SlicerPackageClient, SlicerPackageManagerError
from slicer_package_manager_client.errors import Conflict, NotFound

#: Methods of the published client 0.11 with their parameters, in order.
PUBLISHED = {
    '__init__': 'host port apiRoot scheme apiUrl progressReporterCls',
    'createApp': 'name desc coll_id coll_name coll_desc public',
    'createRelease': 'app_name name revision coll_id desc',
    'deleteApp': 'name coll_id',
    'deleteApplicationPackage': 'app_name id_or_name coll_id',
    'deleteDraftRelease': 'app_name revision coll_id',
    'deleteExtension': 'app_name id_or_name coll_id',
    'deleteRelease': 'app_name name coll_id',
    'downloadApplicationPackage': 'app_name id_or_name coll_id dir_path',
    'downloadExtension': 'app_name id_or_name coll_id dir_path',
    'listApp': 'name coll_id',
    'listApplicationPackage': 'app_name coll_id name pkg_os arch revision version release limit',
    'listDraftRelease': 'app_name coll_id revision limit offset',
    'listExtension': 'app_name coll_id name ext_os arch app_revision release query limit all',
    'listRelease': 'app_name name coll_id',
    'uploadApplicationPackage': 'filepath app_name pkg_os arch name repo_type repo_url revision version build_date '
                                'coll_id desc pre_release',
    'uploadExtension': 'filepath app_name ext_os arch name repo_type repo_url revision app_revision desc icon_url '
                       'category tier homepage screenshots contributors dependency recommends dicom_support_rule '
                       'keywords coll_id force',
}


@pytest.mark.parametrize('method', PUBLISHED)
def test_methods_take_what_the_published_ones_take(method):
    parameters = list(inspect.signature(getattr(SlicerPackageClient, method)).parameters)[1:]
    expected = PUBLISHED[method].split()
    assert parameters[:len(expected)] == expected


def test_it_is_a_girder_client():
    assert issubclass(SlicerPackageClient, GirderClient)


def test_what_is_exported_is_there():
    for name in package.__all__:
        assert getattr(package, name)
    with pytest.raises(AttributeError):
        _ = package.nothing


def test_lists_answer_documents(client, girder):
    girder.make_release('5.8', '32000')
    girder.make_draft('33000')
    assert [app['name'] for app in client.listApp()] == ['Slicer']
    assert client.listRelease('Slicer')[0]['name'] == '5.8'
    assert client.listRelease('Slicer', '5.8')['meta'] == {'revision': '32000'}
    assert client.listRelease('Slicer', 'none') is None
    assert client.listDraftRelease('Slicer', revision='33000')[0]['name'] == '33000'


def test_creations_answer_documents_and_refuse_what_exists(client):
    assert client.createApp('New')['name'] == 'New'
    assert client.createRelease('Slicer', '5.9', '34000')['name'] == '5.9'
    with pytest.raises(Conflict):
        client.createApp('Slicer')
    with pytest.raises(Conflict):
        client.createRelease('Slicer', '5.9', '35000')


def test_deletions_answer_what_was_deleted(client, girder):
    girder.make_release('5.8', '32000')
    girder.make_draft('33000')
    assert client.deleteRelease('Slicer', '5.8')['name'] == '5.8'
    assert client.deleteDraftRelease('Slicer', '33000')['name'] == '33000'
    assert client.deleteApp('Slicer')['name'] == 'Slicer'
    with pytest.raises(NotFound):
        client.deleteApp('Slicer')


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_packages_and_extensions_go_there_and_back(package_type, client, make_file, tmp_path):
    path, directory = make_file(), tmp_path / 'back'
    common = {'arch': 'amd64', 'name': 'Foo', 'repo_type': 'git', 'repo_url': 'https://x', 'revision': '1'}
    if package_type == 'package':
        item = client.uploadApplicationPackage(path, 'Slicer', pkg_os='linux', version='5', **common)
        assert client.listApplicationPackage('Slicer', pkg_os='linux') == [item]
        assert client.downloadApplicationPackage('Slicer', item['_id'], dir_path=directory) == item
        assert client.deleteApplicationPackage('Slicer', item['name']) == item
    else:
        item = client.uploadExtension(path, 'Slicer', ext_os='linux', app_revision='1', **common)
        assert client.listExtension('Slicer', ext_os='linux', all=True) == [item]
        assert client.downloadExtension('Slicer', item['_id'], dir_path=directory) == item
        assert client.deleteExtension('Slicer', item['name']) == item
    assert (directory / path.name).read_bytes() == path.read_bytes()


def test_fields_without_a_parameter_of_their_own_are_sent_by_the_names_of_their_options(client, make_file):
    item = client.uploadExtension(make_file(), 'Slicer', ext_os='linux', arch='amd64', name='Foo', repo_type='git',
                                  repo_url='https://x', revision='1', app_revision='1', license='MIT', enabled=True)
    assert item['meta']['license'] == 'MIT'
    with pytest.raises(TypeError, match='unexpected keyword argument "licence"'):
        client.uploadExtension(make_file(), 'Slicer', 'linux', 'amd64', 'Foo', 'git', 'https://x', '1', '1',
                               licence='MIT')


def test_failures_are_of_one_class(client):
    with pytest.raises(SlicerPackageManagerError, match='no release "none"'):
        client.listExtension('Slicer', release='none')


def test_a_listing_can_be_of_one_release(client, girder):
    release = girder.make_release('5.8', '32000')
    client.listExtension('Slicer', release='5.8')
    assert girder.requests[-1].args['release_id'] == release['_id']
    client.listExtension('Slicer')
    assert girder.requests[-1].args['release_id'] == 'draft'


@pytest.fixture(scope='module')
def authority():
    return trustme.CA()


@pytest.fixture
def https(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert('127.0.0.1', 'localhost').configure_cert(context)
    with HTTPServer(host='127.0.0.1', ssl_context=context) as server:
        yield FakeGirder(server)


@pytest.mark.parametrize(('options', 'status'), [
    pytest.param([], 6, id='unknown authority'),
    pytest.param(['--certificate', 'CA'], 0, id='certificate'),
    pytest.param(['--no-ssl-verify'], 0, id='no verification'),
])
def test_certificates_are_verified_as_configured(options, status, https, authority, invoke, tmp_path):
    path = tmp_path / 'ca.pem'
    authority.cert_pem.write_to_path(str(path))
    done = invoke('--api-url', https.url, '--retries', 0, *(str(path) if one == 'CA' else one for one in options),
                  'app', 'list')
    assert done.exit_code == status
    assert ('--certificate' in done.stderr) == (status != 0)
