"""The REST API of an older server, as far as a migration uses it, from the database of an :class:`OlderServer`."""
import json
from datetime import datetime

from bson.objectid import ObjectId
from werkzeug import Request, Response

KEY, TOKEN = 'k' * 40, 't' * 64
#: The fields that the API of Girder 3 does not show.
_HIDDEN = ('salt', 'otp', 'access', 'lowerName', 'path', 'chunkUuid', 'chunkSize', 'imported')


class OlderApi:
    """Answers requests, and counts downloads as the older server does."""

    def __init__(self, older):
        self.older, self.db, self.requests = older, older.db, []

    def __call__(self, request: Request) -> Response:
        parts = request.path.removeprefix('/api/v1/').split('/')
        self.requests.append(request.path)
        self.is_admin = request.headers.get('Girder-Token') == TOKEN
        if request.method == 'POST':
            return self.json({'authToken': {'token': TOKEN}} if request.args['key'] == KEY else None)
        if parts[-1] == 'download':
            return self.download(ObjectId(parts[1]))
        found = self.found(parts, request.args)
        if found is None:
            return Response('{"message": "You must be logged in."}', 401, mimetype='application/json')
        return self.json(found)

    def json(self, found):
        return Response(json.dumps(found, default=lambda value: value.isoformat() if isinstance(value, datetime)
                                   else str(value)), mimetype='application/json')

    def found(self, parts, args):
        kind, *rest = parts
        fixed = {'user/me': {'admin': self.is_admin}, 'system/version': {'release': '3.1.25'}}
        if '/'.join(parts) in fixed:
            return fixed['/'.join(parts)]
        if kind in ('user', 'group', 'system') and not self.is_admin:
            return None
        if kind == 'system':
            stored = {row['key']: row['value'] for row in self.db['setting'].find()}
            return {key: stored.get(key, '') for key in json.loads(args['list'])}
        if rest[1:] == ['access']:
            return self.db[kind].find_one({'_id': ObjectId(rest[0])})['access'] if self.is_admin else None
        if rest[1:] == ['files']:
            return self.shown('file', {'itemId': ObjectId(rest[0])})
        return self.shown(kind, {'folder': {'parentId': ObjectId(args.get('parentId')),
                                            'parentCollection': args.get('parentType')},
                                 'item': {'folderId': ObjectId(args.get('folderId'))}}.get(kind, {}))

    def shown(self, kind, query):
        hidden = [] if self.is_admin or kind in ('item', 'file') else [{'public': False}]
        return [{'_modelType': kind, **{key: value for key, value in one.items() if key not in _HIDDEN}}
                for one in self.db[kind].find(query, sort=[('_id', 1)]) if not any(
                    all(one.get(key) == value for key, value in some.items()) for some in hidden)]

    def download(self, file_id):
        file = self.db['file'].find_one({'_id': file_id})
        item = self.db['item'].find_one({'_id': file['itemId']})
        try:
            content = (self.older.root / file['path']).read_bytes()
        except OSError:
            return Response('{"message": "No such file."}', 500, mimetype='application/json')
        self.count(item)
        return Response(iter([content]), headers={'Content-Length': str(file['size'])})

    def count(self, item):
        """Count as was seen with the older server: nothing in private folders, and by metadata, not by folders."""
        above = self.folders_of(item)
        folder, parent = above[1:3] if above[0]['name'] == 'extensions' else above[:2]
        meta = item['meta']
        if not isinstance(meta, dict) or not all(one['public'] for one in (above[0], folder, parent)):
            return
        kind = ('extensions', meta['baseName']) if 'app_revision' in meta else ('applications',)
        revision = (meta.get('app_revision', meta['revision']),) if parent['name'] == 'draft' else ()
        path = '.'.join(('meta.downloadStats', *revision, *kind, meta['os'], meta['arch']))
        place = parent if revision else folder
        self.db['folder'].update_one({'_id': place['_id']}, {'$inc': {path: 1}})

    def folders_of(self, item):
        found = [self.db['folder'].find_one({'_id': item['folderId']})]
        while found[-1]['parentCollection'] == 'folder':
            found.append(self.db['folder'].find_one({'_id': found[-1]['parentId']}))
        return found
