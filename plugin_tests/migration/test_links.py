"""Links of an older server that are ``http``, which this server does not deliver."""
import hashlib
from urllib.parse import urlsplit

import pytest

from plugin_tests.migration.test_girder import filled, here, migrate, notes, snapshot  # noqa: F401 - fixture
from slicer_package_manager.migration import run
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.options import Options
from slicer_package_manager.progress import silent
from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.links.policy import Policy, Target

pytestmark = pytest.mark.database
CONTENT = b'hosted elsewhere'
SHA512 = hashlib.sha512(CONTENT).hexdigest()
HOSTS = ('files.example.org',)


@pytest.fixture
def server(httpserver, monkeypatch):
    """Serves all https URLs of public hosts."""
    class Redirected(Policy):
        def target(self, url):
            parts = urlsplit(url)
            return Target(httpserver.url_for(parts.path), {'Host': parts.hostname}, None)
    monkeypatch.setattr(policy, 'current', Redirected)
    httpserver.expect_request('/a.tar.gz').respond_with_data(CONTENT)
    return httpserver


def link(older, url='http://files.example.org/a.tar.gz', sha512=SHA512, size=16, name='Link'):
    item = older.extension(older.draft_extensions, baseName=name)
    file = older.link(item, url, sha512)
    older.db['file'].update_one({'_id': file['_id']}, {'$set': {'size': size}})
    return file


def url_here(file):
    return here()['file'].find_one({'_id': file['_id']})['linkUrl']


@pytest.mark.parametrize('url', ['http://files.example.org/a.tar.gz', 'http://files.example.org:80/a.tar.gz'])
def test_a_link_becomes_https_if_the_file_there_is_the_same(filled, server, url):  # noqa: F811
    file = link(filled, url)
    report = migrate(filled, link_hosts=HOSTS, verify=True)
    assert report.undecided == []
    (note,) = [one for one in report.notes if one.kind == 'file']
    assert (note.outcome, note.id) == (Outcome.MENDED, str(file['_id']))
    assert 'https://files.example.org/a.tar.gz' in note.reason
    assert url_here(file) == 'https://files.example.org/a.tar.gz'
    assert here()['file'].find_one({'_id': file['_id']})['sha512'] == SHA512


def test_a_second_run_does_not_try_again(filled, server):  # noqa: F811
    file = link(filled)
    migrate(filled, link_hosts=HOSTS)
    number, before = len(server.log), snapshot(here())
    assert migrate(filled, verify=True).undecided == []
    after = snapshot(here())
    for database in before, after:
        database.pop('slicer_package_change')
    assert (len(server.log), after, url_here(file)) == (number, before, 'https://files.example.org/a.tar.gz')


@pytest.mark.parametrize(('values', 'reason'), [
    ({'sha512': 'ab' * 64}, 'sends something else'), ({'size': 5}, 'offers 16 bytes'),
    ({'sha512': None}, 'no SHA-512 is stated'), ({'url': 'http://files.example.org/gone'}, 'answers with status'),
    ({'url': 'http://other.example.org/a.tar.gz'}, 'on the host "other.example.org"'),
    ({'url': 'http://files.example.org:8080/a.tar.gz'}, 'must not have a user, a password or a port')])
def test_another_file_changes_no_link(filled, server, values, reason):  # noqa: F811
    file = link(filled, **values)
    report = migrate(filled, link_hosts=HOSTS)
    (note,) = report.undecided
    assert (note.kind, reason in note.reason) == ('link', True)
    assert url_here(file).startswith('http://')


def test_a_link_may_redirect_to_hosts_from_which_this_server_fetches_only(filled, server):  # noqa: F811
    server.expect_request('/moved').respond_with_data('', 302, {'Location': 'https://github.com/a.tar.gz'})
    server.expect_request('/away').respond_with_data('', 302, {'Location': 'https://evil.example.org/a.tar.gz'})
    moved, away = (link(filled, f'http://files.example.org/{path}', name=path) for path in ('moved', 'away'))
    (note,) = migrate(filled, link_hosts=HOSTS).undecided
    assert 'evil.example.org' in note.reason
    assert [urlsplit(url_here(one)).scheme for one in (moved, away)] == ['https', 'http']


def test_a_dry_run_names_what_would_be_tried(filled, server):  # noqa: F811
    link(filled)
    report = migrate(filled, link_hosts=HOSTS, dry_run=True)
    (note,) = [one for one in report.notes if one.kind == 'file']
    assert 'tries https://files.example.org/a.tar.gz' in note.reason
    assert (report.undecided, len(server.log)) == ([], 0)


def test_bytes_of_links_keep_to_the_rate(filled, server, monkeypatch):  # noqa: F811
    waited = []
    monkeypatch.setattr('slicer_package_manager.migration.pace.Pace.limited', lambda *_: waited.append)
    link(filled)
    migrate(filled, link_hosts=HOSTS)
    assert waited.count(len(CONTENT)) == 1


def test_in_place_a_link_becomes_https(in_place, server):
    in_place.in_draft, in_place.draft_extensions = in_place.draft('29738')
    file = link(in_place)
    for _ in range(2):
        report = run.migrate(here(), here(), Options(in_place=True, link_hosts=HOSTS), {}, silent)
        assert (report.undecided, url_here(file)) == ([], 'https://files.example.org/a.tar.gz')
    assert len(server.log) == 1
