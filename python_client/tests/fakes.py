"""Servers that behave as Girder and GitHub do, as far as the client can see, and fail on request."""
from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field

from werkzeug import Response


@dataclass
class Fault:
    """After ``skip`` of them, the next ``times`` requests that match are answered with ``status``."""

    method: str
    path: str
    status: int
    times: int = 1
    skip: int = 0
    headers: dict = field(default_factory=dict)
    body: str = '{"message": "injected"}'
    after: bool = False  # the request is carried out, only the answer is lost

    def fits(self, request):
        if request.method != self.method or not re.search(self.path, request.path):
            return False
        self.skip -= 1
        return self.skip < 0 < self.times


class Fake:
    """Routes requests to methods, and remembers them."""

    def __init__(self):
        self.requests = []
        self.faults = []

    def fail(self, method, path, status, **more):
        self.faults.append(Fault(method, path, status, **more))

    def asked(self, method, path=''):
        return [one for one in self.requests if one.method == method and re.search(path, one.path)]

    def answer(self, request):
        request.get_data()
        self.requests.append(request)
        fault = next((one for one in self.faults if one.fits(request)), None)
        if fault:
            fault.times -= 1
            if fault.after:
                self.route(request)
            return Response(fault.body, fault.status, fault.headers, content_type='application/json')
        return self.route(request)

    def route(self, request):
        for method, pattern, handler in self.routes:
            match = re.fullmatch(pattern, request.path)
            if method == request.method and match:
                return handler(self, request, *match.groups())
        return problem(404, f'no route {request.method} {request.path}')


def answer(document, status=200, **headers):
    return Response(json.dumps(document), status, headers, content_type='application/json')


def problem(status, message):
    return answer({'message': message, 'type': 'rest'}, status)


class FakeGirder(Fake):
    key = 'secretkey0123456789'
    token = 'secrettoken0123456789'
    created = '2026-11-01T00:00:00.000000+00:00'

    def __init__(self, server):
        super().__init__()
        self._ids = itertools.count(1)
        self.apps, self.releases, self.drafts, self.items = [], [], [], []
        self.files, self.uploads, self.stats = [], {}, {}
        self.damage = None  # how received bytes are spoilt
        self.checksums = True
        self.names_travel = True  # PUT /file/:id/contents takes a name and a checksum; None: refuses them
        self.warning = None
        self.about_key = None  # what the server states about the API key
        self.scopes = ['core.user_auth']
        self.editable_apps, self.problems = [], {}
        self.id_tokens = []  # that can be exchanged, each once
        self.attestations = {}  # by items; None: the server is too old for them
        self.readmes = {}  # likewise
        self.build = None  # the run that has uploaded all files
        self.url = server.url_for('/api/v1')
        server.expect_request(re.compile('/api/v1/.*')).respond_with_handler(self.answer)
        self.make_app('Slicer')

    def new_id(self):
        return f'{next(self._ids):024x}'

    def make_app(self, name):
        self.apps.append({'_id': self.new_id(), 'name': name, 'public': True, 'meta': {}})
        return self.apps[-1]

    def make_release(self, name, revision):
        self.releases.append({'_id': self.new_id(), 'name': name, 'meta': {'revision': revision}})
        return self.releases[-1]

    def make_draft(self, revision, created=created):
        self.drafts.insert(0, {'_id': self.new_id(), 'name': revision, 'created': created,
                               'meta': {'revision': revision}})
        return self.drafts[0]

    def make_item(self, package_type, meta, data=b'', name='x.tar.gz'):
        item = {'_id': self.new_id(), 'kind': package_type,
                'name': f'{meta["baseName"]}_{meta["os"]}_{meta["revision"]}',
                'folderId': self.new_id(), 'description': '', 'size': len(data), 'meta': dict(meta)}
        self.items.insert(0, item)
        if data:
            self.store(item['_id'], name, data)
        return item

    def store(self, item_id, name, data, file_id=None):
        file = {'_id': file_id or self.new_id(), 'itemId': item_id, 'name': name, 'size': len(data), 'data': data,
                'created': self.created, 'updated': self.created}
        self.files = [one for one in self.files if one['itemId'] != item_id] + [file]
        item = next(one for one in self.items if one['_id'] == item_id)
        item['size'] = len(data)
        if self.checksums:
            file['sha512'] = item['meta']['sha512'] = hashlib.sha512(data).hexdigest()
        return shown(file)

    # Routes

    def log_in(self, request):
        if request.form.get('key') != self.key:
            return problem(400, 'Invalid API key.')
        about = {'apiKey': self.about_key} if self.about_key else {}
        return answer({'authToken': {'token': self.token}, 'user': {'login': 'builder'}, **about})

    def current_token(self, request):
        known = request.headers.get('Girder-Token') == self.token
        return answer({'userId': 'u' * 24, 'scope': self.scopes, 'expires': self.created} if known else None)

    def current_user(self, request):
        return answer({'login': 'builder'} if 'slicer_package_manager.upload' not in self.scopes else None)

    def get_app(self, request, app_id):
        return answer(next(one for one in self.apps if one['_id'] == app_id))

    def editable(self, request):
        return answer(self.editable_apps)

    def health(self, request):
        return answer({'database': 'ok', 'version': '1.0.0', **self.problems})

    def exchange(self, request):
        if request.form.get('id_token') not in self.id_tokens:
            return problem(403, 'The ID token was used already.')
        self.id_tokens.remove(request.form['id_token'])
        return answer({'authToken': {'token': self.token}})

    def log_in_by_password(self, request):
        if (request.authorization.username, request.authorization.password) != ('admin', 'secretpass'):
            return problem(401, 'Login failed.')
        return answer({'authToken': {'token': self.token}, 'user': {'login': 'admin'}})

    def list_apps(self, request):
        if 'app_id' in request.args:
            return answer(next((one for one in self.apps if one['_id'] == request.args['app_id']), []))
        name = request.args.get('name')
        return answer([one for one in self.apps if not name or one['name'] == name])

    def create_app(self, request):
        return answer(self.make_app(request.form['name']))

    def delete_app(self, request, app_id):
        self.apps = [one for one in self.apps if one['_id'] != app_id]
        return answer({'message': 'deleted'})

    def list_releases(self, request, _app):
        wanted = request.args.get('release_id_or_name')
        if wanted:
            return answer(next((one for one in self.releases if wanted in (one['_id'], one['name'])), None))
        return answer(self.releases)

    def create_release(self, request, _app):
        return answer(self.make_release(request.form['name'], request.form['app_revision']))

    def delete_release(self, request, _app, release_id):
        before = len(self.releases) + len(self.drafts)
        self.releases = [one for one in self.releases if one['_id'] != release_id]
        self.drafts = [one for one in self.drafts if one['_id'] != release_id]
        if len(self.releases) + len(self.drafts) == before:
            return problem(404, 'No such release.')
        return answer({'message': 'deleted'})

    def promote(self, request, _app, release_id):
        release = next(one for one in self.releases if one['_id'] == release_id)
        self.drafts = [one for one in self.drafts if one['meta']['revision'] != request.form['revision']]
        return answer(release)

    def set_ready(self, request, _app, kind, folder_id):
        found = next(one for one in (self.releases if kind == 'release' else self.drafts) if one['_id'] == folder_id)
        found['meta']['ready'] = request.args['ready']
        return answer(found)

    def list_drafts(self, request, _app):
        revision, offset = request.args.get('revision'), int(request.args.get('offset', 0))
        limit = int(request.args.get('limit', 50))
        found = [one for one in self.drafts if not revision or one['meta']['revision'] == revision]
        return answer(found[offset:offset + limit if limit else None])

    def list_items(self, request, _app, package_type):
        found = [one for one in self.items if one['kind'] == package_type]
        for name, value in request.args.items():
            if name in {'limit', 'offset', 'q', 'release_id', 'release_id_or_name'}:
                continue
            if name == f'{package_type}_id':
                found = [one for one in found if one['_id'] == value]
            elif name == f'{package_type}_name':
                found = [one for one in found if one['name'] == value]
            else:
                found = [one for one in found if one['meta'].get(name) == value]
        return answer(found)

    def register(self, request, _app, package_type):
        values = request.form.to_dict()
        link = {key: values.pop(key, None) for key in ('url', 'file_name', 'size', 'sha512')}
        key = ('baseName', 'os', 'arch', 'revision' if package_type == 'package' else 'app_revision')
        item = next((one for one in self.items if one['kind'] == package_type
                     and all(one['meta'].get(name) == values[name] for name in key)), None)
        if item is None:
            item = self.make_item(package_type, values)
        else:
            item['meta'].update(values)
        if link['url']:
            self.files = [one for one in self.files if one['itemId'] != item['_id']]
            self.files.append({'_id': self.new_id(), 'itemId': item['_id'], 'linkUrl': link['url'], 'data': b'',
                               'name': link['file_name'] or link['url'].rpartition('/')[2],
                               'size': int(link['size'] or 0), 'sha512': link['sha512']})
        return answer(item, **({'Slicer-Package-Warning': self.warning} if self.warning else {}))

    def delete_item(self, request, _app, _package_type, item_id):
        self.items = [one for one in self.items if one['_id'] != item_id]
        return answer({})

    def get_item(self, request, item_id):
        return answer(next(one for one in self.items if one['_id'] == item_id))

    def item_files(self, request, item_id):
        return answer([shown(one) for one in self.files if one['itemId'] == item_id])

    def begin(self, request):
        if self.names_travel is None and 'sha512' in request.args:
            return problem(400, 'Invalid parameter: "sha512".')
        more = {'sha512': request.args.get('sha512')} if self.names_travel else {}
        return self._begin(request, item=request.args['parentId'], name=request.args['name'], **more)

    def begin_replacing(self, request, file_id):
        file = next((one for one in self.files if one['_id'] == file_id), None)
        if file is None:
            return problem(400, 'Invalid file id.')
        if self.names_travel is None and 'name' in request.args:
            return problem(400, 'Invalid parameter: "name".')
        more = {'sha512': request.args.get('sha512')} if self.names_travel else {}
        name = request.args.get('name') if self.names_travel else None
        return self._begin(request, item=file['itemId'], name=name or file['name'], file=file_id, **more)

    def _begin(self, request, **upload):
        made = {'_id': self.new_id(), 'size': int(request.args['size']), 'data': b'', **upload}
        self.uploads[made['_id']] = made
        return answer({'_id': made['_id']})

    def chunk(self, request):
        upload = self.uploads.get(request.args['uploadId'])
        if upload is None:
            return problem(400, 'Invalid upload id.')
        if int(request.args['offset']) != len(upload['data']):
            return problem(400, 'Server has received other bytes.')
        upload['data'] += request.get_data()
        if len(upload['data']) < upload['size']:
            return answer({'_id': upload['_id'], 'received': len(upload['data'])})
        return self.complete(request)

    def complete(self, request):
        upload = self.uploads.pop(request.args['uploadId'])
        data = self.damage(upload['data']) if self.damage else upload['data']
        if upload.get('sha512') not in {None, hashlib.sha512(data).hexdigest()}:
            return problem(400, f'sha512: the bytes of "{upload["name"]}" have another checksum.')
        return answer(self.store(upload['item'], upload['name'], data, upload.get('file')))

    def offset(self, request):
        upload = self.uploads.get(request.args['uploadId'])
        return answer({'offset': len(upload['data'])}) if upload else problem(400, 'Invalid upload id.')

    def cancel(self, request, upload_id):
        self.uploads.pop(upload_id, None)
        return answer({})

    def rename(self, request, file_id):
        file = next(one for one in self.files if one['_id'] == file_id)
        file['name'] = request.args['name']
        return answer(shown(file))

    def delete_file(self, request, file_id):
        self.files = [one for one in self.files if one['_id'] != file_id]
        return answer({})

    def download(self, request, file_id):
        file = next(one for one in self.files if one['_id'] == file_id)
        if file.get('linkUrl'):
            return Response(status=302, headers={'Location': file['linkUrl']})
        return ranged(request, file['data'])

    def provenance(self, request, app_id, kind, item_id):
        if self.attestations is None:
            return problem(400, f'No matching route for "GET app/{app_id}/{kind}/{item_id}/provenance"')
        content = self.attestations.get(item_id)
        return answer({'build': self.build, 'attestation': content and {'size': len(content)}})

    def attest(self, request, app_id, kind, item_id):
        if self.attestations is None:
            return problem(400, f'No matching route for "PUT app/{app_id}/{kind}/{item_id}/attestation"')
        self.attestations[item_id] = request.get_data()
        return answer({'size': len(request.get_data())})

    def attestation(self, request, _app, _kind, item_id):
        content = (self.attestations or {}).get(item_id)
        return problem(404, 'There is no attestation.') if content is None else Response(content)

    def describe(self, request, app_id, item_id):
        if self.readmes is None:
            return problem(400, f'No matching route for "PUT app/{app_id}/extension/{item_id}/readme"')
        self.readmes[item_id] = request.get_data()
        return answer({'characters': len(request.get_data())})

    def statistics(self, request, _app):
        return answer(self.stats)

    routes = (
        ('POST', '/api/v1/api_key/token', log_in),
        ('POST', '/api/v1/slicer_package_manager/oidc/token', exchange),
        ('GET', '/api/v1/user/authentication', log_in_by_password),
        ('GET', '/api/v1/token/current', current_token),
        ('GET', '/api/v1/user/me', current_user),
        ('GET', '/api/v1/slicer_package_manager/editable', editable),
        ('GET', '/api/v1/slicer_package_manager/health', health),
        ('GET', '/api/v1/app/(\\w{24})', get_app),
        ('GET', '/api/v1/app/(\\w+)/(package|extension)/(\\w+)/provenance', provenance),
        ('PUT', '/api/v1/app/(\\w+)/(package|extension)/(\\w+)/attestation', attest),
        ('GET', '/api/v1/app/(\\w+)/(package|extension)/(\\w+)/attestation', attestation),
        ('PUT', '/api/v1/app/(\\w+)/extension/(\\w+)/readme', describe),
        ('GET', '/api/v1/app', list_apps),
        ('POST', '/api/v1/app', create_app),
        ('DELETE', '/api/v1/app/(\\w+)', delete_app),
        ('GET', '/api/v1/app/(\\w+)/release', list_releases),
        ('POST', '/api/v1/app/(\\w+)/release', create_release),
        ('DELETE', '/api/v1/app/(\\w+)/release/(.+)', delete_release),
        ('POST', '/api/v1/app/(\\w+)/release/(\\w+)/promote', promote),
        ('PUT', '/api/v1/app/(\\w+)/(release|draft)/(\\w+)/ready', set_ready),
        ('GET', '/api/v1/app/(\\w+)/draft', list_drafts),
        ('GET', '/api/v1/app/(\\w+)/(package|extension)', list_items),
        ('POST', '/api/v1/app/(\\w+)/(package|extension)', register),
        ('DELETE', '/api/v1/app/(\\w+)/(package|extension)/(\\w+)', delete_item),
        ('GET', '/api/v1/app/(\\w+)/downloadstats', statistics),
        ('GET', '/api/v1/item/(\\w+)', get_item),
        ('GET', '/api/v1/item/(\\w+)/files', item_files),
        ('POST', '/api/v1/file', begin),
        ('PUT', '/api/v1/file/(\\w+)/contents', begin_replacing),
        ('POST', '/api/v1/file/chunk', chunk),
        ('POST', '/api/v1/file/completion', complete),
        ('GET', '/api/v1/file/offset', offset),
        ('DELETE', '/api/v1/file/upload/(\\w+)', cancel),
        ('PUT', '/api/v1/file/(\\w+)', rename),
        ('DELETE', '/api/v1/file/(\\w+)', delete_file),
        ('GET', '/api/v1/file/(\\w+)/download', download),
        ('HEAD', '/api/v1/file/(\\w+)/download', download),
    )


def shown(file):
    return {key: value for key, value in file.items() if key != 'data'}


def ranged(request, data):
    if request.range is None:
        return Response(data, content_type='application/gzip')
    start = request.range.ranges[0][0]
    if start >= len(data):
        return Response(status=416, headers={'Content-Range': f'bytes */{len(data)}'})
    return Response(data[start:], 206, {'Content-Range': f'bytes {start}-{len(data) - 1}/{len(data)}'})


class FakeActions(Fake):
    """The endpoint from which a job of GitHub Actions gets ID tokens; those are known to ``girder``."""

    secret = 'secretofthejob0123456789'

    def __init__(self, server, girder):
        super().__init__()
        self.girder = girder
        self.given = []
        self.variables = {'ACTIONS_ID_TOKEN_REQUEST_URL': server.url_for('/actions/token?api-version=2.0'),
                          'ACTIONS_ID_TOKEN_REQUEST_TOKEN': self.secret}
        server.expect_request('/actions/token').respond_with_handler(self.answer)

    def give(self, request):
        if request.headers.get('Authorization') != f'Bearer {self.secret}':
            return problem(401, 'Bad credentials')
        self.given.append(f'secret.id.token{len(self.given)}')
        self.girder.id_tokens.append(self.given[-1])
        return answer({'count': 1, 'value': self.given[-1]})

    routes = (('GET', '/actions/token', give),)


class FakeGitHub(Fake):
    token = 'ghp_secretgithubtoken'
    repo = 'owner/builds'

    def __init__(self, api, uploads):
        super().__init__()
        self._ids = itertools.count(1)
        self.releases = {}
        self.assets = {}
        self.immutable = False
        self.digests = True
        self.damage = None
        self.url = api.url_for('')
        self._uploads = uploads
        for server in (api, uploads):
            server.expect_request(re.compile('/.*')).respond_with_handler(self._checked)

    def _checked(self, request):
        if request.headers.get('Authorization') != f'Bearer {self.token}':
            return problem(401, 'Bad credentials')
        return self.answer(request)

    def make_release(self, tag):
        number = next(self._ids)
        self.releases[tag] = {
            'id': number, 'tag_name': tag, 'immutable': self.immutable,
            'upload_url': self._uploads.url_for(f'/repos/{self.repo}/releases/{number}/assets') + '{?name,label}'}
        return self.releases[tag]

    def make_asset(self, release, name, data, state='uploaded'):
        if self.damage:
            data = self.damage(data)
        name = re.sub(r'[^\w.@+-]', '.', name)
        asset = {'id': next(self._ids), 'name': name, 'state': state, 'size': len(data), 'release': release['id'],
                 'digest': f'sha256:{hashlib.sha256(data).hexdigest()}' if self.digests else None,
                 'browser_download_url':
                     f'https://github.com/{self.repo}/releases/download/{release["tag_name"]}/{name}'}
        self.assets[asset['id']] = asset
        return asset

    def get_release(self, request, tag):
        return answer(self.releases[tag]) if tag in self.releases else problem(404, 'Not Found')

    def create_release(self, request):
        tag = request.get_json()['tag_name']
        if tag in self.releases:
            return answer({'message': 'Validation Failed', 'errors': [{'code': 'already_exists'}]}, 422)
        return answer(self.make_release(tag), 201)

    def list_assets(self, request, number):
        size, page = int(request.args['per_page']), int(request.args['page'])
        found = [one for one in self.assets.values() if one['release'] == int(number)]
        return answer(found[(page - 1) * size:page * size])

    def upload(self, request, number):
        release = next(one for one in self.releases.values() if one['id'] == int(number))
        name = re.sub(r'[^\w.@+-]', '.', request.args['name'])
        if any(one['name'] == name and one['release'] == int(number) for one in self.assets.values()):
            return answer({'message': 'Validation Failed', 'errors': [{'code': 'already_exists'}]}, 422)
        assert int(request.headers['Content-Length']) == len(request.get_data())
        return answer(self.make_asset(release, name, request.get_data()), 201)

    def delete_asset(self, request, number):
        if self.immutable:
            return problem(422, 'Cannot delete asset of an immutable release')
        return Response(status=204) if self.assets.pop(int(number), None) else problem(404, 'Not Found')

    routes = (
        ('GET', f'/repos/{repo}/releases/tags/(.+)', get_release),
        ('POST', f'/repos/{repo}/releases', create_release),
        ('GET', f'/repos/{repo}/releases/(\\d+)/assets', list_assets),
        ('POST', f'/repos/{repo}/releases/(\\d+)/assets', upload),
        ('DELETE', f'/repos/{repo}/releases/assets/(\\d+)', delete_asset),
    )
