"""The calls that clients make, with the round trips to the database that each may cost."""
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from bson.objectid import ObjectId

from plugin_tests.attested import BUNDLE, attestation
from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM, upload

LINK = 'https://github.com/a/b/c.zip'


class Call(NamedTuple):
    """One call, and what it costs anonymous users, users who may write to the application, and administrators.

    ``None`` where a user may not make the call. Names in braces in ``params`` and those in the route stand for what
    the world of the test holds, and what ``before`` makes for this call alone. ``again`` is a list that was asked for
    before and has not changed since.
    """

    route: str
    trips: tuple[int | None, int, int]
    what: str = ''
    params: dict[str, Any] = {}  # noqa: RUF012 - never changed
    before: Callable | None = None
    content: bytes | None = None
    headers: dict[str, str] = {}  # noqa: RUF012
    status: int = 200
    again: bool = False

    @property
    def title(self):
        return f'`{self.route}`{self.what and ", "}{self.what}'


def new_extension(world):
    return {'ext_id': world.extension(baseName=world.fresh())}


def new_package(world):
    return {'pkg_id': world.package(baseName=world.fresh())}


def new_file(world):
    item = world.extension(baseName=world.fresh())
    return {'item': item, 'id': world.upload(item)}


def item_with_file(world):
    return {'id': new_file(world)['item']}


def second_file(world):
    names = new_file(world)
    world.upload(names['item'], name='new_file')
    return names


def begun(world):
    item = world.extension(baseName=world.fresh())
    return {'upload': world.post('/file', parentType='item', parentId=item, name='a.zip', size=3)}


def replacement(world):
    return {'upload': world.put(f'/file/{new_file(world)["id"]}/contents', size=3)}


def draft(world):
    return filled(world, world.fresh())


def filled(world, revision):
    for _ in range(world.depth):
        world.package(baseName=world.fresh(), revision=revision)
    return {'release_id_or_name': revision}


def attestable(world):
    package, extension = (make(baseName=world.fresh()) for make in (world.package, world.extension))
    for item in (package, extension):
        upload(world.caller, item, CONTENT)
    return {'pkg_id': package, 'ext_id': extension}


def attested(world):
    world.caller = world.clients[-1]
    found = attestable(world)
    for kind, key in (('package', 'pkg_id'), ('extension', 'ext_id')):
        world.caller.put(f'/app/{world.app_id}/{kind}/{found[key]}/attestation', headers=OF_BUNDLE,
                              content=attestation(CONTENT)).raise_for_status()
    return found


def described(world):
    world.caller = world.clients[-1]
    found = attestable(world)
    world.caller.put(f'/app/{world.app_id}/extension/{found["ext_id"]}/readme', headers=OF_README,
                     content=b'# Title').raise_for_status()
    return found


def application(world):
    identifier = world.application(world.fresh())
    for _ in range(world.depth):
        world.package(identifier, baseName=world.fresh())
    return {'app_id': identifier}


def release(world):
    return filled(world, world.release(world.fresh()))


def promotable(world):
    revision = filled(world, world.fresh())['release_id_or_name']
    return {'release_id_or_name': world.post(f'/app/{world.app_id}/release', name=world.fresh(), app_revision=revision),
            'revision': revision}


def api_key(world):
    return {'key': world.key}


def new_webhook(world):
    return {'webhook_id': world.post(f'/app/{world.app_id}/webhook', **{
        **WEBHOOK, 'url': f'{WEBHOOK["url"]}/{world.fresh()}'})}


def forbidden_webhook(world):
    found = new_webhook(world)
    world.db.slicer_package_webhook.update_one({'_id': ObjectId(found['webhook_id'])}, {
        '$set': {'url': f'https://hooks.example.com/{world.fresh()}'}})
    return found


def new_key(world):
    return {'key_id': world.post('/slicer_package_manager/key', login='admin', name=world.fresh())}


def new_publisher(world):
    return {'publisher_id': world.post(f'/app/{world.app_id}/publisher', **PUBLISHER, branch=world.fresh())}


def hosted_elsewhere(world):
    return {'id': world.link}


def checksum(world):
    return {'checksum': world.checksum}


def of_item(world):
    return {'item': world.item}


WEBHOOK = {'name': 'Expected', 'url': 'https://hooks.example.org'}
PUBLISHER = {'issuer': 'https://gitlab.com', 'repository': 'a/b', 'repository_id': '1', 'workflow': '.gitlab-ci.yml',
             'extensions': '*', 'login': 'editor'}
APP = '/app/:app_id'
ALL = {'limit': 0}
UPDATE = {**EXTENSION_FORM, 'revision': '{fresh}'}
CREATE = {**EXTENSION_FORM, 'baseName': '{fresh}'}
#: What Slicer 4 asks for.
LIST = 'midas.slicerpackages.extension.list'
OF_REVISION = {'method': LIST, 'slicer_revision': '33000', 'os': 'linux', 'arch': 'amd64'}
RAW = {'Content-Type': 'application/octet-stream'}
CONTENT, OF_BUNDLE = b'content', {'Content-Type': BUNDLE}
OF_README = {'Content-Type': 'text/markdown'}

CALLS = [
    Call('GET /app', (3, 4, 4), params=ALL),
    Call('GET /app', (2, 3, 3), 'by id', params={'app_id': '{app_id}'}),
    Call('POST /app', (None, 10, 10), params={'name': '{fresh}'}),
    Call(f'GET {APP}', (2, 3, 3)),
    Call(f'GET {APP}/release', (3, 4, 4), params=ALL),
    Call(f'GET {APP}/release', (3, 4, 4), 'by name', params={'release_id_or_name': '5.8'}),
    Call(f'POST {APP}/release', (None, 8, 8), params={'name': '{fresh}', 'app_revision': '{fresh}'}),
    Call(f'GET {APP}/draft', (3, 4, 4), params=ALL),
    Call(f'GET {APP}/draft', (3, 4, 4), 'one', params={'revision': '33000'}),
    *[call for package_type, label in (('package', 'release_id_or_name'), ('extension', 'release_id')) for call in (
        Call(f'GET {APP}/{package_type}', (5, 8, 5), 'all', params=ALL),
        Call(f'GET {APP}/{package_type}', (1, 8, 5), 'all, cached', params=ALL, again=True),
        Call(f'GET {APP}/{package_type}', (6, 9, 6), 'a page', params={'limit': 2}),
        Call(f'GET {APP}/{package_type}', (5, 8, 5), 'of a system', params={**ALL, 'os': 'linux', 'arch': 'amd64'}),
        Call(f'GET {APP}/{package_type}', (6, 9, 6), 'of a release', params={**ALL, label: '5.8'}),
        Call(f'GET {APP}/{package_type}', (5, 8, 5), 'of all drafts', params={**ALL, label: 'draft'}),
        Call(f'GET {APP}/{package_type}', (6, 9, 6), 'with downloads', params={**ALL, 'with_downloads': 'true'}),
    )],
    Call(f'GET {APP}/extension', (6, 9, 6), 'searched', params={**ALL, 'q': 'guided therapy'}),
    Call(f'POST {APP}/package', (None, 9, 9), 'new', params={**PACKAGE_FORM, 'baseName': '{fresh}'}),
    Call(f'POST {APP}/package', (None, 8, 8), 'changed', params={**PACKAGE_FORM, 'version': '{fresh}'}),
    Call(f'POST {APP}/extension', (None, 9, 9), 'new', params=CREATE),
    Call(f'POST {APP}/extension', (None, 10, 10), 'new, first of its revision',
         params={**CREATE, 'app_revision': '{fresh}'}),
    Call(f'POST {APP}/extension', (None, 8, 8), 'changed', params=UPDATE),
    Call(f'POST {APP}/extension', (None, 14, 14), 'new, hosted elsewhere', params={**CREATE, 'url': LINK}),
    Call(f'DELETE {APP}/package/:pkg_id', (None, 15, 15), before=new_package),
    Call(f'DELETE {APP}/extension/:ext_id', (None, 15, 15), before=new_extension),
    Call(f'GET {APP}/package/:pkg_id/provenance', (6, 7, 7), before=lambda world: {'pkg_id': world.item}),
    Call(f'GET {APP}/extension/:ext_id/provenance', (5, 6, 6), before=lambda world: {'ext_id': world.link}),
    Call(f'GET {APP}/extension/:ext_id/provenance', (1, 6, 6), 'cached', before=lambda world: {'ext_id': world.link},
         again=True),
    *[call for name in ('package/:pkg_id', 'extension/:ext_id') for call in (
        Call(f'GET {APP}/{name}/attestation', (6, 7, 7), before=attested),
        Call(f'PUT {APP}/{name}/attestation', (None, 13, 13), before=attestable, content=attestation(CONTENT),
             headers=OF_BUNDLE),
    )],
    Call(f'GET {APP}/extension/:ext_id/readme', (6, 7, 7), before=described),
    Call(f'PUT {APP}/extension/:ext_id/readme', (None, 9, 9), before=attestable, content=b'# Title',
         headers=OF_README),
    Call(f'GET {APP}/publisher', (None, None, 5)),
    Call(f'POST {APP}/publisher', (None, None, 7), params={**PUBLISHER, 'branch': '{fresh}'}),
    Call(f'DELETE {APP}/publisher/:publisher_id', (None, None, 4), before=new_publisher),
    Call(f'GET {APP}/summary', (12, 18, 12)),
    Call(f'GET {APP}/popularity', (11, 15, 11)),
    Call(f'GET {APP}/expected', (10, 13, 10)),
    Call(f'GET {APP}/expected/:name', (10, 13, 10), before=lambda _: {'name': 'Expected'}),
    Call(f'PUT {APP}/release/:release_id_or_name/ready', (None, 7, 7), params={'ready': 'true'},
         before=lambda _: {'release_id_or_name': '5.8'}),
    Call(f'PUT {APP}/draft/:revision_or_id/ready', (None, 7, 7), params={'ready': 'true'},
         before=lambda _: {'revision_or_id': '33000'}),
    Call(f'DELETE {APP}/draft', (None, 11, 8), 'only the plan', params={'keep': 1, 'dry_run': 'true'}),
    Call(f'GET {APP}/package/find', (9, 12, 9), params={'os': 'linux', 'stability': 'any'}),
    Call(f'GET {APP}/package/findall', (9, 12, 9)),
    Call(f'GET {APP}/package/download', (8, 11, 8), params={'os': 'linux', 'stability': 'any'}, status=302),
    Call(f'GET {APP}/downloadstats', (5, 6, 5)),
    Call(f'GET {APP}/downloadstats', (2, 6, 5), 'cached', again=True),
    Call(f'GET {APP}/downloadstats', (6, 7, 6), 'rows', params={'limit': 2}),
    Call(f'GET {APP}/downloadstats', (5, 6, 5), 'as CSV', params={**ALL, 'format': 'csv', 'granularity': 'year'}),
    Call(f'GET {APP}/downloadstats', (10, 11, 9), 'by country, from logs', params={**ALL, 'columns': 'country'}),
    Call(f'GET {APP}/downloads', (13, 14, 12)),
    Call(f'GET {APP}/downloadstats/:checksum', (None, 9, 9), before=checksum),
    Call(f'GET {APP}/webhook', (None, 4, 4)),
    Call(f'POST {APP}/webhook', (None, 6, 6), params={**WEBHOOK, 'url': f'{WEBHOOK["url"]}/{{fresh}}'}),
    Call(f'POST {APP}/webhook/:webhook_id/ping', (None, 6, 6), 'to a host that is not allowed any more',
         before=forbidden_webhook),
    Call(f'DELETE {APP}/webhook/:webhook_id', (None, 4, 4), before=new_webhook),
    Call('GET /slicer_package_manager/health', (2, 2, 2)),
    Call('GET /slicer_package_manager/usage', (None, None, 11)),
    Call('GET /slicer_package_manager/key', (None, None, 4)),
    Call('POST /slicer_package_manager/key', (None, None, 7), params={'login': 'admin', 'name': '{fresh}'}),
    Call('DELETE /slicer_package_manager/key/:key_id', (None, None, 7), before=new_key),
    Call('GET /item/:id', (3, 4, 4)),
    Call('GET /item/:id/files', (2, 7, 7)),
    Call('GET /item/:id/files', (1, 7, 7), 'cached', again=True),
    Call('GET /item/:id/download', (3, 4, 4)),
    Call('GET /item/:id/download', (3, 4, 4), 'hosted elsewhere', before=hosted_elsewhere, status=302),
    Call('GET /file/:id', (4, 5, 5)),
    Call('GET /file/:id/download', (3, 4, 4)),
    Call('GET /file/hashsum/sha512/:hash/download', (5, 6, 6)),
    Call('POST /file', (None, 12, 12), 'small', content=b'abc', headers=RAW, before=new_extension, params={
        'parentType': 'item', 'parentId': '{ext_id}', 'name': 'a.zip', 'size': 3}),
    Call('POST /file', (None, 7, 7), 'in chunks', before=new_extension, params={
        'parentType': 'item', 'parentId': '{ext_id}', 'name': 'a.zip', 'size': 3}),
    Call('POST /file/chunk', (None, 14, 14), 'the last', content=b'abc', headers=RAW, before=begun,
         params={'uploadId': '{upload}', 'offset': 0}),
    Call('POST /file/chunk', (None, 14, 14), 'the last of a replacement', content=b'abc', headers=RAW,
         before=replacement, params={'uploadId': '{upload}', 'offset': 0}),
    Call('GET /file/offset', (None, 4, 4), before=begun, params={'uploadId': '{upload}'}),
    Call('PUT /file/:id/contents', (None, 8, 8), before=new_file, params={'size': 3}),
    Call('PUT /file/:id', (None, 9, 9), 'renamed', before=new_file, params={'name': '{fresh}'}),
    Call('DELETE /file/:id', (None, 17, 17), before=new_file),
    Call('DELETE /file/:id', (None, 9, 9), 'the old of two', before=second_file),
    Call('DELETE /item/:id', (None, 25, 25), before=item_with_file),
    Call('GET /midas3/api/json', (6, 10, 7), 'extensions of a revision', params=OF_REVISION),
    Call('GET /midas3/api/json', (1, 10, 7), 'extensions of a revision, cached', params=OF_REVISION, again=True),
    Call('GET /midas3/api/json', (6, 10, 7), 'one extension', params={'method': LIST, 'extension_id': '{item}'},
         before=of_item),
    Call('GET /midas3/download', (3, 5, 5), params={'items': '{item}'}, before=of_item),
    Call('GET /', (21, 23, 23)),
    Call('GET /', (1, 3, 3), 'cached', again=True),
    Call('GET /catalog', (26, 28, 28)),
    Call('GET /catalog/All/34000/linux', (17, 19, 19)),
    Call('GET /catalog/All/34000/linux', (1, 3, 3), 'cached', again=True),
    Call('GET /extension/SlicerIGT', (36, 38, 38)),
    Call('GET /sitemap.xml', (26, 28, 28)),
    Call('GET /download', (18, 20, 20)),
    Call('GET /statistics', (23, 25, 25)),
    Call('POST /api_key/token', (10, 10, 10), before=api_key, params={'key': '{key}'}),
    Call('GET /token/current', (0, 1, 1)),
    Call('GET /user/me', (0, 2, 2)),
]


#: Calls that delete or empty folders, however many packages are in them.
WHOLE_FOLDERS = [
    Call(f'DELETE {APP}/release/:release_id_or_name', (None, 24, 24), 'a draft', before=draft),
    Call(f'DELETE {APP}/release/:release_id_or_name', (None, 22, 22), 'a release', before=release),
    Call(f'POST {APP}/release/:release_id_or_name/promote', (None, 22, 22), params={'revision': '{revision}'},
         before=promotable),
    Call(f'DELETE {APP}', (None, 41, 41), before=application),
]


def as_markdown():
    """The table as the documentation has it."""
    rows = [(call.title, *('' if number is None else str(number) for number in call.trips))
            for call in (*CALLS, *WHOLE_FOLDERS)]
    head = ('Call', 'Anonymous', 'May write', 'Administrator')
    return '\n'.join(f'| {" | ".join(row)} |' for row in (head, ('---', *['---:'] * 3), *rows)) + '\n'


if __name__ == '__main__':
    sys.stdout.write(as_markdown())
