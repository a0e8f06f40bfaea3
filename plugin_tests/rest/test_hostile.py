"""Hostile input on every parameter of every route: never a failure of the server, never a leftover."""
import json
from functools import partial
from urllib.parse import quote, urlencode

import pytest

from plugin_tests.conftest import FORMS, upload
from slicer_package_manager.rest import ROUTES

pytestmark = pytest.mark.database

OTHER_ID = '5f4474d0e1d8c75dfc705482'
TEXTS = [
    '', ' ', 'x' * 256, 'x' * 5000, 'é' * 3000, '\x00', 'a\x00b', '\n', 'a\r\nSet-Cookie: x=1', '\x1b[31m', '\x7f',
    '\x85', '\u2028', '\ufeff', '\uffff', '\U0010ffff', '🎉' * 50, 'עברית', '\u202eevil', 'e\u0301',
    '$where', '$ne', '{"$ne": null}', '{"$gt": ""}', 'a.b', '.', '..', '.*', '^', '(?R)', '(a+)+$', '[', '\\', '*',
    '%', '%00', '../../../../etc/passwd', '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE", '`id`', '{baseName.__class__}', '{0}', '{baseName!r}', '{baseName:>1000000000}', '{', '{{',
    '${7*7}', '{{7*7}}', '-1', '0', '1', '1.5', '1e400', 'NaN', 'Infinity', '-Infinity', '9' * 30, '9' * 5000,
    '-' + '9' * 30, '0x10', '1_0', '\u0661', '2147483647', '2147483648', '9223372036854775808', 'null', 'None',
    'true', 'True', 'undefined', '[]', '{}', '[1]', 'draft', 'extensions', 'packages', '_id', 'meta', 'spm', 'access',
    'spm.identity', OTHER_ID, 'f' * 24, 'F' * 23, 'javascript:alert(1)', 'https://[', 'https://h:x',
    '9999-12-31T23:59:59-23:59', '0000-00-00', '-0001-01-01']
#: Not text at all: percent escapes as they are sent.
RAW = ['%FF', '%C3%28', '%ED%A0%80', '%F5%80%80%80', '%C0%AF', '%', '%zz', '%u0041', '+', '%2e%2e%2f', '%250A']
ESCAPED = list(dict.fromkeys([quote(text, safe='') for text in TEXTS] + RAW))
#: Each value goes to every other parameter; where there are many, to every fourth.
MANY = 8


def parameters(handler):
    return [one['name'] for one in handler.description.params if one['in'] != 'path']


def label(route):
    return ' '.join((route[0], *route[1]))


EVERY_ROUTE = pytest.mark.parametrize('route', ROUTES, ids=label)


@pytest.fixture(params=['administrator', 'anonymous'])
def client(request, api, anonymous):
    return api if request.param == 'administrator' else anonymous


@pytest.fixture
def names(make, make_release, app):
    """What the places in paths are called where everything is in order."""
    make_release('5.8', '34000')
    return {':app_id': app['_id'], ':release_id_or_name': OTHER_ID, ':pkg_id': OTHER_ID, ':ext_id': OTHER_ID}


def needed(route):
    """A form that the route accepts."""
    method, path, _ = route
    if method != 'POST':
        return {}
    if path[-1:] in (('package',), ('extension',)):
        return dict(FORMS[path[-1]])
    return {'name': 'Fresh', 'app_revision': '1'} if path[-1:] == ('release',) else {'name': 'Fresh'}


class Contents:
    """What the database contains. Comparing it is costly, so only after a write of any client to any collection."""

    def __init__(self, db):
        self._db = db
        self._seen, self._hash = self._last_write(), self._current_hash()

    def _last_write(self):
        # It moves on with each write that was acknowledged, and now and then by itself.
        return self._db.command('ping')['operationTime']

    def _current_hash(self):
        return self._db.command('dbHash', collections=['collection', 'folder', 'item', 'file', 'upload'])['md5']

    def changed(self):
        return self._last_write() != self._seen and self._current_hash() != self._hash


@pytest.fixture
def attack(client, db):
    """Send a request and return what is wrong with the response; ``None`` if nothing is."""
    before = []

    def send(method, path, query='', **request):
        if method != 'GET' and not before:
            before.append(Contents(db))
        answer = client.request(method, f'{path}?{query}' if query else path, **request)
        if answer.status_code >= 500:
            return answer.status_code, answer.text[:200]
        if not answer.headers.get('Content-Type', '').startswith('application/json'):
            return answer.status_code, answer.headers.get('Content-Type')
        body = answer.json()
        if answer.status_code >= 400:
            if not (isinstance(body, dict) and body.get('message') and body.get('type')):
                return answer.status_code, body
            if method != 'GET' and before[0].changed():
                return answer.status_code, 'left something behind'
            return None
        before.clear()
        return None
    return send


@pytest.fixture
def wrong_of(route, client):
    """What is wrong with the responses to attacks, each a description and a call.

    The administrator and the anonymous user share the attacks on a route: each makes every other one.
    """
    def attacked(attacks):
        mine = list(attacks)[(ROUTES.index(route) + (client.user is None)) % 2::2]
        return {what: wrong for what, call in mine if (wrong := call())}
    return attacked


def address(route, names):
    return '/'.join(['/app', *(names.get(part, part) for part in route[1])])


@EVERY_ROUTE
def test_every_parameter_takes_every_text(route, names, attack, wrong_of):
    method, _, handler = route
    attacks = []
    step = 4 if len(parameters(handler)) > MANY else 2
    for number, name in enumerate(parameters(handler)):
        form = urlencode({key: value for key, value in needed(route).items() if key != name})
        attacks += [((name, text[:60]), partial(attack, method, address(route, names), f'{form}&{name}={text}'))
                    for text in ESCAPED[number % step::step]]
    assert wrong_of(attacks) == {}


@EVERY_ROUTE
def test_every_place_in_a_path_takes_every_text(route, names, attack, wrong_of):
    method, path, _ = route
    attacks = []
    texts = [text for text in ESCAPED if text not in {'', '%20', '%'} and not text.startswith('.')]
    for name in (part for part in path if part.startswith(':')):
        attacks += [((name, text[:60]), partial(attack, method, address(route, {**names, name: text}),
                                                urlencode(needed(route)))) for text in texts]
    assert wrong_of(attacks) == {}


@EVERY_ROUTE
def test_unknown_repeated_and_structured_parameters_are_harmless(route, names, attack, wrong_of):
    method, _, handler = route
    form = urlencode(needed(route))
    given = [f'{name}={value}&{name}={value}' for name in parameters(handler) for value in ('1', 'linux')]
    given += [f'{name}{suffix}=x' for name in parameters(handler)[:4] for suffix in ('[]', '[$ne]', '.x', '%00', '[0]')]
    given += ['params=x', 'self=x', 'user=x', '$where=1', '=x', '&&&', 'app_id=x', 'sort=a&sort=b', 'a' * 5000 + '=1',
              'token=x', 'kwargs=x', '_id=x', 'spm=x', 'folderId=x', 'sortdir=0', 'sortdir=2', 'event=x', 'kind=x',
              'item_id=x', 'release=x', 'progress=x', '?', '#', '%FF=x', 'page=x', 'form=1']
    assert wrong_of((one, partial(attack, method, address(route, names), f'{form}&{one}')) for one in given) == {}


CONTENT_TYPES = ['application/json', 'text/xml', 'multipart/form-data', 'multipart/form-data; boundary=x',
                 'application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=nonsense', 'x', '',
                 'application/json; charset=utf-16']
BODIES = [b'', b'\xff\xfe\x00', b'{"name": ["x"]}', b'[', b'name=%FF', b'\xff=\xff', b'name[]=x&&=&', b'self=x',
          b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nfield\r\n--x--\r\n', b'--x\r\n\r\n',
          b'{"a":' * 2000]


@EVERY_ROUTE
def test_every_body_is_harmless(route, names, attack, wrong_of):
    method = route[0]
    form = urlencode(needed(route))
    attacks = [((kind, body), partial(attack, method, address(route, names), form, content=body,
                                      headers={'Content-Type': kind})) for kind in CONTENT_TYPES for body in BODIES]
    attacks += [((kind, 'chunked'), partial(attack, method, address(route, names), form, content=iter([b'name=', b'x']),
                                            headers={'Content-Type': kind})) for kind in CONTENT_TYPES]
    assert wrong_of(attacks) == {}


@EVERY_ROUTE
def test_a_method_that_is_not_there_is_refused(client, stored, route, names):
    before = stored()
    for method in ('PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'BREW', 'POST', 'DELETE'):
        if any((method, route[1]) == one[:2] for one in ROUTES):
            continue
        answer = client.request(method, address(route, names))
        assert answer.status_code < 500, method
        if answer.status_code >= 400 and answer.content:
            assert answer.json()['message'], method
    assert stored() == before


@EVERY_ROUTE
def test_a_body_of_more_than_a_mebibyte_is_413(route, names, attack, client):
    body = b'description=' + b'x' * (1024 * 1024)
    headers = {'Content-Type': 'application/x-www-form-urlencoded'}
    assert attack(route[0], address(route, names), content=body, headers=headers) is None
    if route[0] == 'POST':
        assert client.request(route[0], address(route, names), content=body, headers=headers).status_code == 413


HEADERS = [
    ('Girder-Token', 'x'), ('Girder-Token', '$ne'), ('Girder-Token', ''), ('Cookie', 'girderToken=x'),
    ('Cookie', '\x01=;;=;'), ('Authorization', 'Basic x'), ('If-None-Match', '"' * 5000), ('Range', 'bytes=0-1'),
    ('Accept-Encoding', 'gzip;q=x'), ('Accept-Encoding', ';;;,,'), ('Origin', '\x7f'), ('Accept', 'text/html'),
    ('Host', ''), ('X-Forwarded-Host', '"><x'), ('Girder-OTP', 'x'), ('Content-Length', '-1'), ('Content-Length', 'x'),
    ('X-HTTP-Method-Override', 'x'), ('X-HTTP-Method-Override', 'DELETE')]


@EVERY_ROUTE
def test_every_header_is_harmless(anonymous, route, names, stored):
    before = stored()
    for name, value in HEADERS:
        answer = anonymous.request(route[0], address(route, names), headers={name: value})
        assert answer.status_code < 500, (name, value)
        assert answer.headers['Content-Type'].startswith('application/json'), (name, value)
        assert route[0] == 'GET' or answer.status_code >= 400, (name, value)
    assert stored() == before


JSON_VALUES = [None, True, 1, -1, 1.5, [], {}, [[]], {'$ne': 1}, {'a.b': 1}, '', ' ', 'x' * 70000, '\x00', '🎉',
               {'a': {'b': {'c': 1}}}, ['x'], '<script>', {'$date': 'x'}, {'$oid': 'x'}]
#: What Girder cannot store in anything.
UNSTORABLE = ['\ud800', 10**400]
KEYS = ['baseName', 'os', 'arch', 'revision', 'app_revision', 'tier', 'enabled', 'description', 'screenshots', 'sha512',
        'app_id', 'release', 'build_date', 'pre_release', 'spm', '$set', 'a.b', '', '_id', '\ud800', '\x00', 'x' * 300]


def send_json(client, path, value):
    return client.request('PUT', path, content=json.dumps(value), headers={'Content-Type': 'application/json'})


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_no_json_in_metadata_of_packages_is_a_failure_of_the_server(client, ready, api, anonymous, app, package_type):
    item = ready(package_type)
    wrong = {}
    for key in KEYS:
        for value in JSON_VALUES + UNSTORABLE:
            answer = send_json(client, f'/item/{item["_id"]}/metadata', {key: value})
            if 400 <= answer.status_code < 500:
                continue
            listed = api.get(f'/app/{app["_id"]}/{package_type}')
            values = [one for found in listed.json() for one in found['meta'].values()]
            if answer.status_code >= 500 or not listed.json() or not all(
                    isinstance(one, (str, int, bool)) and '\n' not in str(one) for one in values):
                wrong[str((key[:20], value))[:60]] = answer.status_code, answer.text[:100], values
    assert wrong == {}


@pytest.mark.parametrize('place', ['application', 'release', 'draft', 'drafts', 'extensions', 'packages'])
def test_no_json_in_metadata_of_folders_is_a_failure_of_the_server(client, app, make, make_release, folders, api,
                                                                   place):
    make('package')
    make('extension')
    release = make_release('5.8', '34000')
    drafts = folders(app)['draft']
    draft = folders(drafts)['33000']
    folder = {'application': app, 'release': release, 'draft': draft, 'drafts': drafts,
              'extensions': folders(draft)['extensions'], 'packages': {'_id': app['parentId']}}[place]
    wrong = {}
    for key in ('revision', 'applicationPackageNameTemplate', 'extensionPackageNameTemplate', 'spm', '$set', 'a.b'):
        for value in JSON_VALUES:
            answer = send_json(client, f'/folder/{folder["_id"]}/metadata', {key: value})
            if 400 <= answer.status_code < 500:
                continue
            after = [api.get(f'/app/{app["_id"]}/{kind}').status_code
                     for kind in ('release', 'draft', 'package', 'extension')]
            if answer.status_code >= 500 or after != [200] * 4:
                wrong[str((key[:20], value))[:60]] = answer.status_code, answer.text[:100], after
    assert wrong == {}


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'null', b'5', b'"x"',
                                  b'{"tier": NaN}', b'{"tier": 1e999}', b'{"tier": ' + b'9' * 5000 + b'}'],
                         ids=lambda one: repr(one[:12]))
def test_broken_json_in_metadata_is_no_failure_of_the_server(api, ready, item_of, body):
    item = item_of(ready('extension'))
    answer = api.request('PUT', f'/item/{item["_id"]}/metadata', content=body,
                         headers={'Content-Type': 'application/json'})
    assert answer.status_code < 500, answer.text
    assert item_of(item)['meta'] == item['meta']


@pytest.mark.parametrize('name', ['', 'new_file', '../../etc/passwd', 'a\x00b', 'a\r\nb', '🎉', 'x' * 5000, '"', '%00',
                                  'draft', '.', '\u202egpj.exe'])
@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_every_name_of_a_file_is_harmless(api, anonymous, make, found, package_type, name):
    item = make(package_type)
    answer = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': name, 'size': 1},
                      content=b'x', headers={'Content-Type': 'application/octet-stream'})
    assert answer.status_code < 500, answer.text
    for path in (f'/item/{item["_id"]}/download', f'/item/{item["_id"]}/files'):
        read = anonymous.get(path)
        assert read.status_code in {200, 404}
        assert '\n' not in read.headers.get('Content-Disposition', '')
    if answer.status_code == 200:
        assert len(found(package_type)) == 1


def test_links_of_others_in_items_are_no_failure_of_the_server(api, make, item_of):
    item = make('package')
    for url in ('javascript:x', 'file:///etc/passwd', 'https://', 'http://[', '\x00', 'http://localhost:27017/'):
        answer = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'linkUrl': url})
        assert answer.status_code < 500, answer.text
    upload(api, item['_id'], b'x')
    assert item_of(item)['size'] == 1


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_a_file_in_a_form_is_refused(api, app, stored, package_type):
    before = stored()
    answer = api.post(f'/app/{app["_id"]}/{package_type}', data=FORMS[package_type],
                      files={'baseName': b'x', 'file': b'y'})
    assert answer.status_code == 400
    assert stored() == before


@pytest.mark.parametrize('accepted', ['text/html', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', '*/*', ''])
def test_every_answer_is_json_whatever_is_asked_for(anonymous, app, accepted):
    for path in ('/app', f'/app/{app["_id"]}', f'/app/{app["_id"]}/downloadstats', '/app/x',
                 '/slicer_package_manager/health'):
        answer = anonymous.get(path, headers={'Accept': accepted})
        assert answer.headers['Content-Type'].startswith('application/json'), path
        answer.json()
