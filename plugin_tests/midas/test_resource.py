"""Requests to MIDAS addresses are switched, limited, measured and refused like all others."""
import pytest
from girder import events

from plugin_tests.midas.conftest import MIDAS, ROOT

pytestmark = pytest.mark.database

SETTING = 'slicer_package_manager.midas'
LIST = '/midas3/api/json?method=midas.slicerpackages.extension.list&os=linux'
PATHS = [LIST, '/midas3/download?items=77', '/midas3/slicerappstore?layout=empty', '/midas3/slicerappstore',
         '/midas3/slicerappstore/index/categories', '/midas3/item/77', '/midas3', '/midas3/community/1',
         '/bitstream/1201', '//midas3/download?items=77']


@pytest.fixture
def known(ready, alias):
    item = ready('extension')
    alias('item', '77', item)
    alias('bitstream', '1201', item)
    return item


@pytest.fixture
def setting(api):
    def put(value, key=SETTING):
        return api.put('/system/setting', params={'key': key, 'value': value})
    return put


def test_a_setting_switches_all_addresses_off_and_on(known, anonymous, setting):
    before = [anonymous.get(ROOT + path).status_code for path in PATHS]
    assert before == [200, 200, 200, 302, 200, 302, 302, 410, 302, 200]
    setting('false').raise_for_status()
    assert [anonymous.get(ROOT + path).status_code for path in PATHS] == [404] * len(PATHS)
    assert SETTING in anonymous.get(ROOT + LIST).json()['message']
    assert anonymous.get(f'{ROOT}/bitstream/{known["_id"]}').status_code == 302
    assert anonymous.get(f'{ROOT}/catalog').status_code != 404
    setting('true').raise_for_status()
    assert [anonymous.get(ROOT + path).status_code for path in PATHS] == before


@pytest.mark.parametrize('value', ['1', '"yes"', 'null', '[]', '{}'])
def test_the_setting_is_true_or_false(app, setting, value):
    assert (setting(value).status_code, value) in ((400, value), (200, 'null'))  # null restores the default


def test_without_anonymous_access_only_users_are_answered(known, anonymous, api, setting):
    setting('true', 'core.disable_anonymous_access').raise_for_status()
    paths = [path for path in PATHS if path != '/midas3/slicerappstore']
    assert {anonymous.get(ROOT + path).status_code for path in paths} == {401}
    assert [api.get(ROOT + path).status_code for path in PATHS[:3]] == [200] * 3


def test_lists_are_limited_and_downloads_are_not(known, anonymous):
    from slicer_package_manager.registry.server.environment import Operation
    from slicer_package_manager.rest.middleware import rate_limits
    rate_limits.start(Operation(rate_limit='3/hour'))
    try:
        lists = [LIST, '/midas3/slicerappstore?layout=empty', '/midas3/slicerappstore/index/listextensions', LIST]
        found = [anonymous.get(ROOT + path) for path in lists]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429]
        assert int(found[-1].headers['Retry-After']) > 0
        assert anonymous.get(f'{MIDAS}/download?items=77').status_code == 200
        assert anonymous.get(f'{MIDAS}/rest/bitstream/download/1201').status_code == 200
    finally:
        rate_limits._limit = None
        for call in rate_limits.LIMITED:
            events.unbind(f'rest.{call}.before', 'slicer_package_manager.ratelimits')


def test_routes_in_metrics_have_no_numbers(known, anonymous):
    from slicer_package_manager.rest.middleware import routing
    from slicer_package_manager.rest.middleware.permissions import before_anyone
    found = []
    for name in ('download/item/:id', 'api/json'):
        events.bind(f'rest.get.midas3/{name}.before', 'test', before_anyone(lambda _: found.append(routing.template())))
    try:
        anonymous.get(f'{MIDAS}/download/item/77/x')
        anonymous.get(ROOT + LIST)
    finally:
        for name in ('download/item/:id', 'api/json'):
            events.unbind(f'rest.get.midas3/{name}.before', 'test')
    assert found == ['/midas3/download/item/:id', '/midas3/api/json']


def test_each_response_has_the_headers_of_all_others(known, anonymous):
    for path in PATHS:
        headers = anonymous.get(ROOT + path).headers
        assert headers['X-Request-ID']
        assert headers['X-Content-Type-Options'] == 'nosniff'
        assert 'Content-Security-Policy' in headers


def test_while_the_database_is_away_nothing_is_taken_for_an_empty_list(known, anonymous, monkeypatch):
    from girder.models.item import Item
    from pymongo.errors import AutoReconnect

    from slicer_package_manager.registry.midas.aliases import AliasModel
    from slicer_package_manager.registry.server import anonymous_access, data_version

    def away(*_, **__):
        raise AutoReconnect('secret-host:27017: connection closed')
    for where, name, path in [
            (anonymous_access, 'read', LIST), (Item(), 'find', LIST), (AliasModel().collection, 'aggregate', PATHS[1]),
            (anonymous_access, 'read', PATHS[1]), (Item(), 'find', PATHS[2])]:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, away)
            data_version.announce()
            answer = anonymous.get(ROOT + path)
        assert (answer.status_code, 'secret-host' in answer.text) == (503, False)
        assert answer.headers['Retry-After']


def test_the_audit_log_has_changes_only(known, anonymous, api, db):
    from girder import auditLogger

    from slicer_package_manager.rest.middleware import audit_recorder
    recorder = audit_recorder.Recorder()
    auditLogger.addHandler(recorder)
    try:
        for client in (anonymous, api):
            assert client.post(ROOT + LIST).json()['stat'] == 'ok'
            assert client.put(ROOT + LIST.replace('extension.list', 'package.upload')).status_code == 200
    finally:
        auditLogger.removeHandler(recorder)
    assert db['slicer_package_audit'].count_documents({}) == 0


@pytest.mark.parametrize('verb', ['POST', 'PUT', 'DELETE', 'PATCH'])
def test_other_methods_are_405(known, anonymous, verb):
    answer = anonymous.request(verb, f'{MIDAS}/download?items=77')
    assert answer.status_code == 405
    assert 'use GET' in answer.json()['message']
    assert anonymous.request(verb, f'{MIDAS}/x').status_code == 404


def test_other_sites_may_read_the_lists_if_they_may_read_others(known, anonymous, setting):
    setting('"*"', 'core.cors.allow_origin').raise_for_status()
    assert anonymous.get(ROOT + LIST, headers={'Origin': 'https://a.org'}).headers['Access-Control-Allow-Origin'] == '*'
    assert anonymous.options(ROOT + LIST, headers={'Origin': 'https://a.org'}).status_code == 200


def test_a_user_may_see_what_is_private(known, api, anonymous, grant):
    grant({'_id': known['folderId']})
    assert anonymous.get(ROOT + LIST).json()['data'] == []
    assert len(api.get(ROOT + LIST).json()['data']) == 1
    assert anonymous.get(ROOT + LIST).json()['data'] == []


def test_a_large_form_is_refused(app, anonymous):
    answer = anonymous.post(f'{MIDAS}/api/json', data={'method': 'x', 'a': 'x' * (2 << 20)})
    assert answer.status_code == 413
