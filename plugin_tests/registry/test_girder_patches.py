"""Every patch of a dependency is listed with its reason, and each original still has the fault that it corrects.

``docs/development/girder-patches.md`` is the list. Most guards are in this module, where they call the original.
"""
import ast
import hashlib
import importlib
import importlib.util
import inspect
import re
from functools import lru_cache
from pathlib import Path

import pytest
from bson.objectid import ObjectId

import slicer_package_manager

ROOT = Path(slicer_package_manager.__file__).parent
REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / 'docs' / 'development' / 'girder-patches.md'
#: The projects that are patched, or of which private names are used, by the names of their modules.
DEPENDENCIES = {'girder': 'girder', 'cherrypy': 'cherrypy', 'pymongo': 'pymongo', 'bson': 'pymongo',
                'uvicorn': 'uvicorn', 'botocore': 'botocore', 'boto3': 'boto3', 'click': 'click', 'httpx': 'httpx',
                'prometheus_client': 'prometheus-client', 'markupsafe': 'markupsafe', 'jinja2': 'jinja2'}
#: Objects of the current request, on which CherryPy lets applications set what they like.
OF_REQUESTS = re.compile(r'cherrypy\.(serving\.)?(request|response)\.')
#: Documented although they begin with an underscore: of named tuples, CherryPy's resources, documents, mypy
#: and ``os``.
DOCUMENTED = {'_replace', '_asdict', '_make', '_fields', '_cp_config', '_id', '_accessLevel', '_modelType', '_ignored',
              '_typeshed', '_exit'}
#: The beginning of the SHA-256 of the source of each function that is replaced, where it has one. If one differs: read
#: what has changed, remove or adapt the patch, and record the new checksum here.
CHECKSUMS = {
    'girder.models.item.Item.load': 'a5eb811bb22b',
    'girder.models.item.Item.save': 'd5c603b08542',
    'girder.models.item.Item.move': 'b3386c79ba52',
    'girder.models.folder.Folder.load': 'b723698d023e',
    'girder.models.folder.Folder.save': 'd5c603b08542',
    'girder.models.folder.Folder.setAccessList': '6d58101106b3',
    'girder.models.folder.Folder.move': 'b9719c68aaa1',
    'girder.models.item.Item.copyItem': 'eccc49459e44',
    'girder.models.folder.Folder.copyFolder': '968beee83321',
    'girder.models.folder.Folder.copyFolderComponents': 'b67df65df9a6',
    'girder.models.item.Item.remove': '1379411e3fe8',
    'girder.models.folder.Folder.remove': 'ab800d534c32',
    'girder.models.folder.Folder.clean': 'b4d145727541',
    'girder.models.collection.Collection.load': '767047546311',
    'girder.models.collection.Collection.save': 'd5c603b08542',
    'girder.models.file.File.load': '9abcfa19c3da',
    'girder.models.file.File.hasAccess': '543d4aacbc5d',
    'girder.models.file.File.save': 'd5c603b08542',
    'girder.models.file.File.remove': 'c0b66dd2ed39',
    'girder.models.file.File.updateFile': '9a2cb2300006',
    'girder.models.file.File.copyFile': 'b29b6f16fd08',
    'girder.models.upload.Upload.createUpload': '2171b8c7ea5f',
    'girder.models.upload.Upload.createUploadToFile': '8426f206a03e',
    'girder.models.upload.Upload.moveFileToAssetstore': 'ff47fe378178',
    'girder.models.upload.Upload.handleChunk': 'd7e542c011f9',
    'girder.models.upload.Upload.finalizeUpload': 'ff1e92f63e2a',
    'girder.models.api_key.ApiKey.createToken': '97e5ae41f5d6',
    'girder.models.api_key.ApiKey.remove': '7b6e164c3e2c',
    'girder.api.rest.Resource.handleRoute': '4f24fc12b752',
    'girder.api.rest.Resource._defaultAccess': '5a595e0a453a',
    'girder.models.setting.Setting.get': '6b6a50f1817b',
    'girder.api.describe.autoDescribeRoute._loadJson': 'ca327f3a34d5',
    'girder.api.describe.autoDescribeRoute._loadJsonBody': '453577693807',
    'cherrypy.lib.httputil.header_elements': 'f096780b5fd9',
    'cherrypy.lib.httputil.AcceptElement.qvalue': '2c00ce0216d0',
    'cherrypy.lib.httputil.get_ranges': '3b7abb9f01fb',
    'cherrypy.lib.httputil.decode_TEXT_maybe': '306c18718991',
}


@lru_cache(maxsize=1)
def modules():
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding='utf-8')))
            for path in sorted(ROOT.rglob('*.py'))]


def imported(tree):
    """The full names of what a module imports from elsewhere, by their names in it."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f'{node.module}.{one.name}' for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname or one.name.partition('.')[0]: (one.asname and one.name) or one.name.partition('.')[0]
                      for one in node.names}
    return {name: full for name, full in found.items() if full.partition('.')[0] in DEPENDENCIES}


def full_name(node, names):
    """The full name that the expression ``node`` spells, if it begins with one of ``names``; calls are left out."""
    parts = []
    while isinstance(node, ast.Attribute | ast.Call):
        parts += [node.attr] if isinstance(node, ast.Attribute) else []
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return '.'.join((names[node.id], *reversed(parts))) if isinstance(node, ast.Name) and node.id in names else None


def assigned(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from (one for one in node.targets if isinstance(one, ast.Attribute))


def found_patches():
    """Each patch in the code: what is replaced, and the module."""
    from slicer_package_manager.registry.girder_patches import PATCHES
    found = {(f'{one.model.__module__}.{one.model.__name__}.{one.method}', 'registry/girder_patches.py')
             for one in PATCHES}
    for module, tree in modules():
        names = imported(tree)
        found |= {(name, module) for one in assigned(tree) if (name := full_name(one, names))
                  and not OF_REQUESTS.match(name)}
    return found


def rows():
    """The rows about patches on the page: what, where, why, issue and guard."""
    for line in PAGE.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip().strip('`') for cell in line.strip('|').split(' | ')]
        if len(cells) == 5 and '.' in cells[0]:
            yield cells


#: Patches that the search of the code does not find: they assign through a variable.
BY_VARIABLE = {
    ('girder.models.user.User._cryptContext', 'registry/girder_patches.py'): 'users._cryptContext = ',
    ('girder.models.model_base.Model.collection', 'registry/server/transactions.py'): 'model.collection = ',
    ('girder.api.describe.autoDescribeRoute._loadJson', 'rest/middleware/request_limits.py'): "'_loadJson'",
    ('girder.api.describe.autoDescribeRoute._loadJsonBody', 'rest/middleware/request_limits.py'): "'_loadJsonBody'",
}


def test_the_page_lists_every_patch():
    assert {(what, where) for what, where, *_ in rows()} == found_patches() | BY_VARIABLE.keys()
    assert {where for (_, where), text in BY_VARIABLE.items() if text not in (ROOT / where).read_text()} == set()


def test_functions_are_replaced_through_setattr_only_where_the_page_says_so():
    calling = {module for module, tree in modules() for node in ast.walk(tree)
               if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'setattr'}
    # The data version changes its own subclass.
    assert calling - {'registry/server/data_version.py'} <= {where for _, where, *_ in rows()}


def test_every_row_gives_a_reason_and_an_issue_and_names_a_guard_that_exists():
    tests = '\n'.join(path.read_text(encoding='utf-8') for path in (REPOSITORY / 'plugin_tests').rglob('test_*.py'))
    for what, _, why, issue, guard in rows():
        assert why, what
        assert issue, what
        assert f'def {guard}(' in tests, (what, guard)


def test_every_replacement_of_a_model_states_what_is_wrong_with_the_original():
    from slicer_package_manager.registry.girder_patches import PATCHES
    assert [one.method for one in PATCHES if not (one.replacement.__doc__ or '').strip()] == []


def original(name):
    """What a patch replaces, as the dependency has it; Girder's models are patched on their instances only."""
    module, rest = name, []
    while not is_module(module):
        module, _, last = module.rpartition('.')
        rest.insert(0, last)
    value = importlib.import_module(module) if name.startswith('girder') else fresh(module)
    for part in rest:
        value = getattr(value, part, None)
    return value


def is_module(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def fresh(name):
    """The module ``name`` as it is before it is patched."""
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checksum(name):
    value = original(name)
    value = getattr(value, 'fget', value)
    function = inspect.unwrap(value) if callable(value) else None
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12] if function else ''


def test_the_originals_are_those_that_the_patches_were_made_for():
    found = {what: checksum(what) for what, *_ in rows()}
    assert {what: one for what, one in found.items() if one} == CHECKSUMS


# Private names


def defined(tree):
    """The private names that a module defines itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg


def is_private(name):
    return re.fullmatch(r'_[A-Za-z]\w*', name) is not None and name not in DOCUMENTED


def used(tree):
    """The private names that a module uses: attributes, imports, and names in texts, as ``setattr`` takes them."""
    replaces = any(isinstance(node, ast.Name) and node.id == 'setattr' for node in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (part for one in node.names for part in (*(node.module or '').split('.'), one.name))
        elif replaces and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def private_names():
    """The private names of dependencies that the code uses; those of our own modules are in none of them."""
    trees = dict(modules())
    patched = {'_cryptContext', '_defaultAccess', '_matchRoute'}  # assigned or overridden here, and not ours
    ours = {name for tree in trees.values() for name in defined(tree) if is_private(name)} - patched
    return {name for tree in trees.values() for name in used(tree) if is_private(name) and name not in ours}


def private_rows():
    text = PAGE.read_text(encoding='utf-8').partition('## Private names')[2]
    return {dependency: set(re.findall(r'`(\w+)`', names))
            for dependency, names in re.findall(r'^\| ([a-zA-Z]+) \| (`.*) \|$', text, re.MULTILINE)}


def test_the_page_lists_the_private_names_that_are_used():
    assert set().union(*private_rows().values()) == private_names()


def test_dependencies_that_are_patched_or_used_by_private_names_have_an_upper_bound():
    project = (REPOSITORY / 'pyproject.toml').read_text(encoding='utf-8')
    bounds = dict(re.findall(r'^    "([a-z-]+)([<>=!~][^"]*)",$', project, re.MULTILINE))
    wanted = {DEPENDENCIES[what.partition('.')[0]] for what, *_ in rows()}
    wanted |= {one.lower() for one in private_rows()}
    wanted.add('uvicorn')  # the front extends a class that is not documented
    assert [one for one in wanted if '<' not in bounds.get(one, '')] == []


# What is wrong with the originals


class Refused(Exception):  # noqa: N818 - stands for any failure
    """Raised in place of what a model would do."""


@pytest.fixture
def models(any_db):
    """Girder's models by their names; methods of their classes are the originals."""
    from girder.models.assetstore import Assetstore
    from girder.models.collection import Collection
    from girder.models.file import File
    from girder.models.folder import Folder
    from girder.models.item import Item
    from girder.models.upload import Upload
    return {one.__name__: one for one in (Assetstore, Collection, File, Folder, Item, Upload)}


@pytest.fixture
def stub(models, monkeypatch):
    """Replace a method of a model; gives the arguments of its calls."""
    def replace(name, method, result=None, *, fails=False):
        calls = []

        def stubbed(*args, **kwargs):
            calls.append((args, kwargs))
            if fails:
                raise Refused
            return result
        monkeypatch.setattr(models[name](), method, stubbed)
        return calls
    return replace


@pytest.fixture
def document():
    """A maker of documents; with the id of a collection that is in no database."""
    def make(**values):
        place = {'baseParentType': 'collection', 'baseParentId': ObjectId()}
        return {'_id': ObjectId(), 'name': 'a', 'description': '', 'size': 5, 'meta': {}, **place, **values}
    return make


def test_girder_changes_sizes_before_it_validates_a_move(models, stub, document):
    Item, Folder = models['Item'], models['Folder']
    sizes = stub('Folder', 'increment')
    stub('Item', 'save', fails=True)
    with pytest.raises(Refused):
        Item.move(Item(), document(folderId=ObjectId()), document())
    assert sizes
    from girder.models.collection import Collection
    stub('Folder', 'save', fails=True)
    stub('Folder', 'getSizeRecursive', 5)
    stub('Folder', '_isAncestor', result=False)
    stub('Folder', '_updateDescendants')
    changed = []
    Collection().increment = lambda **given: changed.append(given)
    try:
        with pytest.raises(Refused):
            Folder.move(Folder(), document(), document(), 'folder')
    finally:
        del Collection().increment
    assert changed


def test_girder_copies_the_keys_of_plugins(models, stub, document):
    Item, Folder, File = models['Item'], models['Folder'], models['File']
    creator = {'_id': ObjectId(), 'admin': True}
    registered = {'spm': {'role': 'release'}}
    for name, copy in (
            ('Item', lambda: Item.copyItem(Item(), {**document(), **registered}, creator, folder=document())),
            ('Folder', lambda: Folder.copyFolderComponents(Folder(), {**document(), **registered}, document(), creator,
                                                           None)),
            ('File', lambda: File.copyFile(File(), {**document(), **registered}, creator))):
        saved = stub(name, 'save', fails=True)
        if name == 'Item':
            stub(name, 'createItem', document())
        if name != 'File':
            stub(name, 'filter', {})
        with pytest.raises(Refused):
            copy()
        assert saved[0][0][0]['spm'] == registered['spm'], name


def test_girder_leaves_the_bytes_of_uploads_to_a_deleted_item(models, stub, document, any_db):
    item = document()
    any_db['upload'].insert_one({'_id': ObjectId(), 'parentType': 'item', 'parentId': item['_id']})
    cancelled = stub('Upload', 'cancelUpload')
    models['Item'].remove(models['Item'](), item)
    assert any_db['upload'].count_documents({}) == 0
    assert not cancelled  # which is what removes the bytes


def test_girder_leaves_what_arrives_in_a_folder_during_its_deletion(models, document, any_db, monkeypatch):
    Folder = models['Folder']
    folder = document()
    monkeypatch.setattr(Folder(), 'clean', lambda *_, **__: any_db['item'].insert_one({'folderId': folder['_id']}))
    Folder.remove(Folder(), folder)
    assert any_db['item'].find_one({'folderId': folder['_id']})


def test_girder_deletes_the_bytes_of_a_file_before_its_document(models, stub, document, any_db):
    File = models['File']
    file = document(assetstoreId=ObjectId(), itemId=None)
    any_db['file'].insert_one(file)
    seen = []

    class Adapter:
        def deleteFile(self, _file):
            seen.append(any_db['file'].count_documents({}))
    stub('File', 'getAssetstoreAdapter', Adapter())
    File.remove(File(), file)
    assert seen == [1]


def test_girder_saves_whole_documents(models, stub, document, any_db):
    for name in ('Item', 'Folder', 'Collection'):
        model, stored = models[name], document(lowerName='a')
        any_db[name.lower()].insert_one(stored)
        loaded = model.load(model(), stored['_id'], force=True)
        any_db[name.lower()].update_one({'_id': stored['_id']}, {'$set': {'size': 7}})
        model.save(model(), loaded, validate=False, triggerEvents=False)
        assert any_db[name.lower()].find_one({'_id': stored['_id']})['size'] == 5
    saved = stub('Folder', 'save', {})
    models['Folder'].setAccessList(models['Folder'](), document(), {}, save=True)
    assert 'size' in saved[0][0][0]


def test_girder_lets_everyone_have_a_file_without_its_item(models, document, any_db):
    file = document(itemId=None, attachedToType='item', attachedToId=ObjectId())
    any_db['file'].insert_one(file)
    assert models['File'].load(models['File'](), file['_id'], level=2, user=None)


def test_girder_fails_to_check_the_access_to_an_attached_file(models, document):
    from girder.exceptions import ValidationException
    file = document(itemId=None, attachedToType='item', attachedToId=ObjectId())
    with pytest.raises(ValidationException, match='null ObjectId'):
        models['File'].hasAccess(models['File'](), file)


def test_girder_saves_whole_documents_of_files(models, stub, document):
    saved = stub('File', 'save', {})
    models['File'].updateFile(models['File'](), document(sha512='of what was replaced meanwhile'))
    assert 'sha512' in saved[0][0][0]


@pytest.fixture
def any_assetstore(models, stub, monkeypatch):
    from girder.utility import assetstore_utilities

    class Adapter:
        def initUpload(self, upload, uploadExtraParameters=None):  # noqa: ARG002 - Girder's signature
            return upload
    monkeypatch.setattr(assetstore_utilities, 'getAssetstoreAdapter', lambda _: Adapter())
    stub('Upload', 'getTargetAssetstore', {'_id': ObjectId()})


def test_girder_takes_any_name_for_an_upload(models, any_assetstore, document):
    Upload = models['Upload']
    begun = Upload.createUpload(Upload(), None, '../a', 'item', document(), 3, save=False)
    assert begun['name'] == '../a'


def test_girder_takes_content_for_a_replaced_file(models, stub, any_assetstore, document):
    Upload = models['Upload']
    saved = stub('Upload', 'save', {})
    file = document(mimeType='a/b', spm={'retired': 1})
    Upload.createUploadToFile(Upload(), file, {'_id': ObjectId()}, 3)
    assert saved[0][0][0]['fileId'] == file['_id']


def test_bcrypt_raises_for_long_passwords():
    from girder.models.user import _CryptContext
    with pytest.raises(ValueError, match='72'):
        _CryptContext().hash('x' * 73)


def test_girder_triggers_no_event_for_updates(models, any_db, document):
    from girder import events
    folder = any_db['folder'].insert_one(document()).inserted_id
    triggered = []
    unpatched, events.trigger = events.trigger, lambda name, *_, **__: triggered.append(name)
    try:
        models['Folder'].update(models['Folder'](), {'_id': folder}, {'$set': {'name': 'b'}}, multi=False)
    finally:
        events.trigger = unpatched
    assert triggered == []


def test_cherrypy_raises_for_odd_headers():
    import cherrypy
    httputil = fresh('cherrypy.lib.httputil')
    with pytest.raises(ValueError, match='invalid literal'):
        httputil.get_ranges('bytes=a-b', 5)
    with pytest.raises(cherrypy.HTTPError):
        _ = httputil.AcceptElement.from_str('text/html;q=x').qvalue
    with pytest.raises(cherrypy.HTTPError):
        httputil.header_elements('Accept', 'text/html;q=x, text/plain')


def test_cherrypy_decodes_header_values():
    assert fresh('cherrypy.lib.httputil').decode_TEXT_maybe('=?utf-8?q?=C3=A4?=') == 'ä'


def test_httptools_refuses_long_targets():
    import httptools
    with pytest.raises(httptools.HttpParserInvalidURLError):
        httptools.parse_url(b'/?' + b'a' * 65536)
