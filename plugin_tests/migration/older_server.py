"""The database and the assetstores of an older server, as version 0.11 of the plugin for Girder 3 fills them."""
import hashlib
from datetime import datetime, timedelta, timezone

import bcrypt
from bson.objectid import ObjectId

DAY = datetime(2021, 3, 1, 4, tzinfo=timezone.utc)
APP = ObjectId('5f4474d0e1d8c75dfc705482')
#: "password", with as few rounds as possible.
PASSWORD = bcrypt.hashpw(b'password', b'$2b$04$abcdefghijklmnopqrstuu').decode()
#: The type of assetstores in GridFS.
GRIDFS = 1
EXTENSION = {'baseName': 'SlicerIGT', 'os': 'linux', 'arch': 'amd64', 'revision': 'ab12cd3', 'app_revision': '29738',
             'repository_type': 'git', 'repository_url': 'git://github.com/SlicerIGT/SlicerIGT.git',
             'description': 'Image-guided therapy', 'category': 'IGT', 'icon_url': 'https://www.slicerigt.org/icon.png',
             'homepage': 'https://www.slicerigt.org', 'screenshots': 'https://www.slicerigt.org/1.png'}
PACKAGE = {'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': '29738', 'version': '4.13.0',
           'repository_type': 'git', 'repository_url': 'https://github.com/Slicer/Slicer', 'pre_release': False}


class OlderServer:
    """Fills ``database``; its files go to the directory ``root``."""

    def __init__(self, database, root):
        self.db, self.root, self.number = database, root, 0
        self.admin = self.user('admin', admin=True)
        self.store = self.insert('assetstore', type=0, name='files', root=str(root), perms=0o600, current=True)
        self.collection = self.insert('collection', name='Applications', lowerName='applications', description=None,
                                      creatorId=self.admin['_id'], size=0, meta={}, public=True, access=self.access())
        self.packages = self.folder('packages', self.collection, parent_type='collection')
        self.app = self.folder('Slicer', self.packages, _id=APP, description='3D Slicer', meta={
            'applicationPackageNameTemplate': '{baseName}_{os}_{arch}_{revision}',
            'extensionPackageNameTemplate': '{app_revision}_{baseName}_{os}_{arch}_{revision}'})
        self.drafts = self.folder('draft', self.app)
        for name in {'upload', 'token', 'api_key', 'group', 'setting'} - set(database.list_collection_names()):
            database.create_collection(name)

    def moment(self):
        """Later than all before."""
        self.number += 1
        return DAY + timedelta(minutes=self.number)

    def insert(self, kind, **fields):
        document = {'_id': ObjectId(), 'created': self.moment(), **fields}
        if kind in ('folder', 'item', 'collection', 'group'):
            document = {'updated': document['created'], **document}
        self.db[kind].insert_one(document)
        return document

    def access(self, *users, groups=()):
        users = users or (self.admin,)
        return {'users': [{'id': one['_id'], 'level': 2, 'flags': []} for one in users],
                'groups': [{'id': one['_id'], 'level': 1, 'flags': []} for one in groups]}

    def user(self, login, *, admin=False, groups=(), **fields):
        identifier = ObjectId()
        return self.insert('user', _id=identifier, login=login, email=f'{login}@example.org', firstName=login,
                           lastName=login, admin=admin, status='enabled', emailVerified=True, size=0, public=True,
                           groups=[one['_id'] for one in groups], groupInvites=[],
                           salt=PASSWORD,
                           access={'users': [{'id': identifier, 'level': 2, 'flags': []}]}, **fields)

    def folder(self, name, parent, *, parent_type='folder', public=True, meta=None, **fields):
        root = (('collection', self.collection['_id']) if parent_type == 'folder' else (parent_type, parent['_id']))
        return self.insert('folder', **{
            'name': name, 'lowerName': name.lower(), 'description': '', 'parentCollection': parent_type,
            'parentId': parent['_id'], 'baseParentType': root[0], 'baseParentId': root[1],
            'creatorId': self.admin['_id'], 'size': 0, 'meta': meta or {}, 'public': public, 'access': self.access(),
            **fields})

    def draft(self, revision, **meta):
        draft = self.folder(revision, self.drafts, meta={'revision': revision, **meta})
        return draft, self.folder('extensions', draft)

    def release(self, name, revision, **fields):
        release = self.folder(name, self.app, meta={'revision': revision, **fields.pop('meta', {})}, **fields)
        return release, self.folder('extensions', release, public=release['public'])

    def item(self, folder, meta, name=None, **fields):
        name = name or '_'.join(str(meta.get(key)) for key in ('app_revision', 'baseName', 'os', 'arch', 'revision'))
        meta = {'app_id': str(APP), **{key: value for key, value in meta.items() if value is not ...}}
        return self.insert('item', **{
            'name': name, 'lowerName': name.lower(), 'description': meta.get('description') or '',
            'folderId': folder['_id'], 'creatorId': self.admin['_id'], 'baseParentType': folder['baseParentType'],
            'baseParentId': folder['baseParentId'], 'size': 0, 'meta': meta, **fields})

    def file(self, item, content, name='package.tar.gz', *, stated=True, **fields):
        """Store ``content`` as a file of ``item``, which states its checksum."""
        sha512 = hashlib.sha512(content).hexdigest()
        path = f'{sha512[:2]}/{sha512[2:4]}/{sha512}'
        if 'assetstoreId' not in fields:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)
            fields |= {'assetstoreId': self.store['_id'], 'path': path}
        if stated:
            self.db['item'].update_one({'_id': item['_id']}, {'$set': {'meta.sha512': sha512, 'size': len(content)}})
        return self.insert('file', **{
            'name': name, 'itemId': item['_id'], 'creatorId': self.admin['_id'], 'size': len(content),
            'sha512': sha512, 'mimeType': 'application/gzip', 'exts': name.split('.')[1:], **fields})

    def link(self, item, url, sha512=None):
        if sha512:
            self.db['item'].update_one({'_id': item['_id']}, {'$set': {'meta.sha512': sha512}})
        return self.insert('file', name=url.rpartition('/')[2], itemId=item['_id'], creatorId=self.admin['_id'], size=5,
                           assetstoreId=None, mimeType=None, exts=['gz'], linkUrl=url)

    def in_grid(self, item, content):
        """Store ``content`` in GridFS, in a database of its own beside that of the server."""
        grid = self.db['assetstore'].find_one({'type': GRIDFS}) or self.insert(
            'assetstore', type=GRIDFS, name='grid', db=f'{self.db.name}_grid', mongohost=None, replicaset=None)
        uuid = ObjectId().binary.hex()
        for number, start in enumerate(range(0, len(content), 4)):
            self.db.client[grid['db']]['chunk'].insert_one({'uuid': uuid, 'n': number,
                                                           'data': content[start:start + 4]})
        return self.file(item, content, assetstoreId=grid['_id'], chunkUuid=uuid, chunkSize=4)

    def extension(self, folder, content=None, **meta):
        item = self.item(folder, {**EXTENSION, **meta})
        if content is not None:
            self.file(item, content)
        return item

    def package(self, folder, content=None, **meta):
        merged = {**PACKAGE, 'build_date': DAY, **meta}
        name = '_'.join(str(merged[key]) for key in ('baseName', 'os', 'arch', 'revision'))
        item = self.item(folder, merged, name=name)
        if content is not None:
            self.file(item, content)
        return item
