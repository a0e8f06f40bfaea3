"""A GitHub with one repository on two loopback origins, that of the API and that of uploads. It fails on request."""
import base64
import hashlib
import itertools
import json
import re
import threading
from dataclasses import dataclass, field

from werkzeug import Response

from plugin_tests.waiting import PATIENCE

BRANCH = 'main'
CREATED = '2026-11-02T00:00:00Z'


@dataclass
class Fault:
    """The next ``times`` requests that match, after ``skip`` of them, get this response."""

    method: str
    path: str
    status: int
    message: str = 'injected'
    times: int = 1
    skip: int = 0
    headers: dict = field(default_factory=dict)
    after: bool = False  # the request is carried out, only its response is lost

    def fits(self, request):
        if request.method != self.method or not re.search(self.path, request.path) or self.times <= 0:
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.times -= 1
        return True


def answer(document, status=200, headers=None):
    return Response(json.dumps(document), status, headers, content_type='application/json')


def problem(status, message, *codes, headers=None):
    return answer({'message': message, 'errors': [{'code': code} for code in codes]}, status, headers)


def digest(kind, content):
    return hashlib.sha1(b'%s %d\0' % (kind, len(content)) + content).hexdigest()


class FakeGitHub:
    """The repository ``owner/statistics``, private and empty at first."""

    repo, token = 'owner/statistics', 'github_pat_SECRETSECRET'

    def __init__(self, api, uploads):
        self._ids, self._lock = itertools.count(1), threading.RLock()
        self.visibility, self.permissions, self.archived = 'private', {'push': True}, False
        self.blobs, self.trees, self.commits, self.branches = {}, {}, {}, {}
        self.releases, self.assets, self.faults, self.requests = {}, {}, [], []
        self.digests, self.created, self.routes = True, CREATED, ROUTES
        self.url, self.uploads = (server.url_for('').rstrip('/') for server in (api, uploads))
        self.origin = self.uploads
        self.damage = bytes  # how received bytes are spoilt
        self.held, self.hold, self.released = threading.Event(), None, threading.Event()
        for server in (api, uploads):
            server.expect_request(re.compile('/.*')).respond_with_handler(self._answer)

    def fail(self, method, path, status, message='injected', **more):
        self.faults.append(Fault(method, path, status, message, **more))

    def asked(self, method, path=''):
        return [one for one in self.requests if one.method == method and re.search(path, one.path)]

    # What is there

    def files(self, branch=BRANCH):
        """The contents of all files, by their paths."""
        tree = self.trees[self.commits[self.branches[branch]]['tree']] if branch in self.branches else {}
        return {path: self.blobs[sha] for path, sha in tree.items()}

    def history(self):
        """The messages of all commits, the newest one first."""
        found, at = [], self.branches.get(BRANCH)
        while at:
            found.append(self.commits[at]['message'])
            at = next(iter(self.commits[at]['parents']), None)
        return found

    def asset(self, name):
        (found,) = [one for one in self.assets.values() if one['name'] == name]
        return found['content']

    def names(self):
        return sorted(one['name'] for one in self.assets.values())

    def add_commit(self, files, message='By another'):
        """Another process commits ``files``, contents by path."""
        head = self.branches.get(BRANCH)
        tree = dict(self.trees[self.commits[head]['tree']]) if head else {}
        tree.update({path: self._add_blob(content) for path, content in files.items()})
        self.branches[BRANCH] = self._add_commit(message, self._add_tree(tree), [head] if head else [])

    def add_release(self, tag):
        self.releases[tag] = {'id': next(self._ids), 'tag_name': tag}
        return self.releases[tag]

    def add_asset(self, tag, name, content, state='uploaded', created=None):
        number = next(self._ids)
        self.assets[number] = {'id': number, 'release': self.releases[tag]['id'], 'name': name, 'content': content,
                               'state': state, 'created_at': created or self.created}
        return self.assets[number]

    def _add_blob(self, content):
        self.blobs[digest(b'blob', content)] = content
        return digest(b'blob', content)

    def _add_tree(self, files):
        sha = digest(b'tree', json.dumps(sorted(files.items())).encode())
        self.trees[sha] = files
        return sha

    def _add_commit(self, message, tree, parents):
        sha = digest(b'commit', json.dumps([message, tree, parents, next(self._ids)]).encode())
        self.commits[sha] = {'message': message, 'tree': tree, 'parents': parents}
        return sha

    # Requests

    def _answer(self, request):
        request.get_data()
        if self.hold and request.method == self.hold[0] and re.search(self.hold[1], request.path):
            self.hold = None
            self.held.set()
            assert self.released.wait(PATIENCE)
        with self._lock:
            self.requests.append(request)
            if request.headers.get('Authorization') != f'Bearer {self.token}':
                return problem(401, 'Bad credentials')
            fault = next((one for one in self.faults if one.fits(request)), None)
            if fault is None or fault.after:
                done = self._route(request)
            return done if fault is None else answer({'message': fault.message}, fault.status, fault.headers)

    def _route(self, request):
        path = request.path.removeprefix('/api/v3').removeprefix(f'/repos/{self.repo}')
        is_upload = request.host_url.rstrip('/') == self.origin and request.method == 'POST' and 'assets' in path
        for method, pattern, handler in (UPLOADS if is_upload else self.routes):
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                return handler(self, request, *match.groups())
        return problem(404, 'Not Found')

    def repository(self, _request):
        return answer({'private': self.visibility != 'public', 'visibility': self.visibility, 'default_branch': BRANCH,
                       'archived': self.archived, 'permissions': self.permissions})

    def _is_empty(self):
        return problem(409, 'Git Repository is empty.')

    def ref(self, _request, branch):
        if not self.branches:
            return self._is_empty()
        sha = self.branches.get(branch)
        return answer({'object': {'sha': sha}}) if sha else problem(404, 'Not Found')

    def list_commits(self, _request):
        return answer([{'sha': one} for one in self.commits]) if self.branches else self._is_empty()

    def contents(self, request, path):
        if path in self.files():
            return problem(422, 'Invalid request. "sha" wasn\'t supplied.')
        self.add_commit({path: base64.b64decode(request.json['content'])}, request.json['message'])
        return answer({'commit': {'sha': self.branches[BRANCH]}}, 201)

    def get_commit(self, _request, sha):
        return answer({'tree': {'sha': self.commits[sha]['tree']}})

    def get_tree(self, request, sha):
        assert request.args['recursive'] == '1'
        return answer({'truncated': False, 'tree': [
            {'path': path, 'type': 'blob', 'sha': one} for path, one in self.trees[sha].items()]})

    def get_blob(self, _request, sha):
        return answer({'content': base64.encodebytes(self.blobs[sha]).decode(), 'encoding': 'base64'})

    def create_blob(self, request):
        if not self.branches:
            return self._is_empty()
        assert request.json['encoding'] == 'base64'
        return answer({'sha': self._add_blob(self.damage(base64.b64decode(request.json['content'])))}, 201)

    def create_tree(self, request):
        files = dict(self.trees[request.json['base_tree']])
        for one in request.json['tree']:
            assert one['sha'] in self.blobs
            assert (one['mode'], one['type']) == ('100644', 'blob')
            files[one['path']] = one['sha']
        return answer({'sha': self._add_tree(files)}, 201)

    def create_commit(self, request):
        return answer({'sha': self._add_commit(**request.json)}, 201)

    def update_ref(self, request, branch):
        sha, now = request.json['sha'], self.branches[branch]
        assert request.json['force'] is False
        if sha != now and self.commits[sha]['parents'] != [now]:
            return problem(422, 'Update is not a fast forward')
        self.branches[branch] = sha
        return answer({'object': {'sha': sha}})

    def _release(self, release):
        return {**release, 'upload_url': f'{self.origin}/repos/{self.repo}/releases/{release["id"]}/assets'
                                         '{?name,label}'}

    def list_releases(self, request):
        return self._page(request, [self._release(one) for one in self.releases.values()])

    def _page(self, request, found):
        size, page = int(request.args['per_page']), int(request.args['page'])
        return answer(found[size * (page - 1):size * page])

    def get_release(self, _request, tag):
        return answer(self._release(self.releases[tag])) if tag in self.releases else problem(404, 'Not Found')

    def create_release(self, request):
        tag = request.json['tag_name']
        if tag in self.releases:
            return problem(422, 'Validation Failed', 'already_exists')
        if not self.branches:
            return problem(422, 'Repository is empty.')
        return answer(self._release(self.add_release(tag)), 201)

    def delete_release(self, _request, number):
        self.releases = {tag: one for tag, one in self.releases.items() if one['id'] != int(number)}
        return Response(status=204)

    def delete_tag(self, _request, tag):
        assert tag not in self.releases
        return Response(status=204)

    def _shown(self, asset):
        content = asset['content']
        return {**{key: value for key, value in asset.items() if key not in ('content', 'release')},
                'size': len(content), 'digest': f'sha256:{hashlib.sha256(content).hexdigest()}' if self.digests
                else None}

    def list_assets(self, request, number):
        return self._page(request, [self._shown(one) for one in self.assets.values() if one['release'] == int(number)])

    def upload(self, request, number):
        (tag,) = [tag for tag, one in self.releases.items() if one['id'] == int(number)]
        name = request.args['name']
        if any(one['name'] == name and one['release'] == int(number) for one in self.assets.values()):
            return problem(422, 'Validation Failed', 'already_exists')
        assert int(request.headers['Content-Length']) == len(request.get_data())
        return answer(self._shown(self.add_asset(tag, name, self.damage(request.get_data()))), 201)

    def delete_asset(self, _request, number):
        if self.assets.pop(int(number), None) is None:
            return problem(404, 'Not Found')
        return Response(status=204)


UPLOADS = (('POST', r'/releases/(\d+)/assets', FakeGitHub.upload),)
ROUTES = (
    ('GET', '', FakeGitHub.repository),
    ('GET', r'/git/ref/heads/(.+)', FakeGitHub.ref),
    ('GET', r'/commits', FakeGitHub.list_commits),
    ('PUT', r'/contents/(.+)', FakeGitHub.contents),
    ('GET', r'/git/commits/(\w+)', FakeGitHub.get_commit),
    ('GET', r'/git/trees/(\w+)', FakeGitHub.get_tree),
    ('GET', r'/git/blobs/(\w+)', FakeGitHub.get_blob),
    ('POST', r'/git/blobs', FakeGitHub.create_blob),
    ('POST', r'/git/trees', FakeGitHub.create_tree),
    ('POST', r'/git/commits', FakeGitHub.create_commit),
    ('PATCH', r'/git/refs/heads/(.+)', FakeGitHub.update_ref),
    ('DELETE', r'/git/refs/tags/(.+)', FakeGitHub.delete_tag),
    ('GET', r'/releases', FakeGitHub.list_releases),
    ('GET', r'/releases/tags/(.+)', FakeGitHub.get_release),
    ('POST', r'/releases', FakeGitHub.create_release),
    ('DELETE', r'/releases/(\d+)', FakeGitHub.delete_release),
    ('GET', r'/releases/(\d+)/assets', FakeGitHub.list_assets),
    ('DELETE', r'/releases/assets/(\d+)', FakeGitHub.delete_asset),
)
