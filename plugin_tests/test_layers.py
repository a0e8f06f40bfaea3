"""The floors of the server and the client, the arrows between them, and the sizes of modules and functions.

``docs/development/architecture.md`` explains the floors.
"""
import ast
import os
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import slicer_package_manager
from plugin_tests.waiting import PATIENCE

ROOT = Path(slicer_package_manager.__file__).parent
CLIENT = Path(__file__).parent.parent / 'python_client' / 'slicer_package_manager_client'
MODULES = sorted(ROOT.rglob('*.py'))
PAGE = Path(__file__).parent.parent / 'docs' / 'development' / 'architecture.md'
DRAWN_BY = Path(__file__).parent.parent / 'docs' / 'draw_floors.py'

LARGEST_MODULE = 300
LARGEST_FUNCTION = 45

#: From which floors each floor imports; those of the package from the top. No other arrow is allowed.
ARROWS = {
    '': {'plugin'},
    'plugin': {'events', 'midas', 'pages', 'registry', 'registry.schema', 'registry.server', 'rest', 'rest.downloads',
               'rest.middleware'},
    'cli': {'backup', 'doctor', 'front', 'locks', 'logs', 'migration', 'progress', 'registry', 'registry.accounts',
            'registry.catalog', 'registry.downloads', 'registry.expected', 'registry.links', 'registry.schema',
            'registry.server', 'registry.webhooks'},
    'doctor': {'registry', 'registry.accounts', 'registry.downloads', 'registry.midas', 'registry.schema',
               'registry.server', 'registry.storage', 'registry.tree'},
    'backup': {'durability', 'file_copies', 'locks', 'progress', 'registry.schema', 'registry.server',
               'registry.storage'},
    'migration': {'file_copies', 'progress', 'registry', 'registry.catalog', 'registry.downloads', 'registry.links',
                  'registry.midas', 'registry.schema', 'registry.server', 'registry.storage', 'registry.tree'},
    'logs': {'csv_cells', 'durability', 'locks', 'progress', 'registry.midas', 'retries'},
    'midas': {'pages', 'registry.catalog', 'registry.downloads', 'registry.links', 'registry.midas', 'registry.schema',
              'registry.server', 'registry.tree', 'rest', 'rest.downloads', 'rest.handlers', 'rest.http',
              'rest.middleware'},
    'pages': {'csv_cells', 'logs', 'registry.catalog', 'registry.downloads', 'registry.expected', 'registry.lookup',
              'registry.news', 'registry.schema', 'registry.server', 'registry.tree', 'rest', 'rest.handlers',
              'rest.http', 'rest.middleware'},
    'front': {'registry.downloads', 'registry.server', 'rest.downloads', 'rest.http', 'rest.middleware'},
    'events': {'registry.links', 'registry.midas', 'registry.storage', 'registry.tree', 'rest.middleware'},
    'rest': {'rest.handlers', 'rest.middleware'},
    'rest.handlers': {'registry', 'registry.accounts', 'registry.catalog', 'registry.downloads', 'registry.expected',
                      'registry.links', 'registry.lookup', 'registry.midas', 'registry.news', 'registry.promotion',
                      'registry.schema', 'registry.server', 'registry.tree', 'registry.webhooks', 'rest.http',
                      'rest.middleware'},
    'rest.downloads': {'registry.downloads', 'registry.links', 'registry.schema', 'registry.server',
                       'registry.storage', 'registry.tree', 'rest.http', 'rest.middleware'},
    'rest.middleware': {'registry', 'registry.accounts', 'registry.downloads', 'registry.schema',
                        'registry.server', 'registry.tree', 'rest.http'},
    'rest.http': set(),
    'registry': {'registry.accounts', 'registry.catalog', 'registry.downloads', 'registry.expected', 'registry.midas',
                 'registry.news',
                 'registry.promotion', 'registry.schema', 'registry.server', 'registry.storage', 'registry.tree',
                 'registry.webhooks'},
    'registry.webhooks': {'registry.expected', 'registry.links', 'registry.schema', 'registry.server', 'registry.tree'},
    'registry.promotion': {'registry.catalog', 'registry.schema', 'registry.server', 'registry.tree'},
    'registry.news': {'registry.downloads', 'registry.expected', 'registry.lookup', 'registry.schema',
                      'registry.server', 'registry.tree'},
    'registry.lookup': {'registry.catalog', 'registry.midas', 'registry.schema', 'registry.server', 'registry.tree'},
    'registry.catalog': {'registry.accounts', 'registry.downloads', 'registry.expected', 'registry.links',
                         'registry.midas', 'registry.schema', 'registry.server', 'registry.storage', 'registry.tree'},
    'registry.expected': {'registry.schema', 'registry.server', 'registry.tree'},
    'registry.midas': {'registry.links', 'registry.schema', 'registry.server', 'registry.tree'},
    'registry.storage': {'durability', 'inspection', 'inspector', 'registry.schema', 'registry.server',
                         'registry.tree'},
    'registry.links': {'registry.schema', 'registry.server', 'registry.tree', 'retries'},
    'registry.accounts': {'registry.schema', 'registry.server', 'registry.tree'},
    'registry.downloads': {'csv_cells', 'logs', 'registry.midas', 'registry.schema', 'registry.server',
                           'registry.tree'},
    'registry.tree': {'registry.schema', 'registry.server'},
    'registry.server': {'registry.schema'},
    'registry.schema': set(),
    'file_copies': {'progress'},
    'csv_cells': set(),
    'inspector': {'inspection'},
    'inspection': set(),
    'durability': set(),
    'progress': set(),
    'retries': set(),
    'locks': set(),
}
#: In these folders a module imports only from those after it. Other modules, such as a new command or page, are
#: imported by ``__init__`` only.
ORDER = {
    'backup': ('prune', 'restore', 'verify', 'create', 'live_database', 'sources', 'directory', 'file_index',
               'manifest', 'objects', 'dump_files', 'validation', 'store_types', 'projection', 'errors'),
    'doctor': ('checks', 'aliases', 'attestations', 'publishers', 'file_bytes', 'server', 'document_schema',
               'download_counts', 'registrations', 'readmes', 'sizes', 'packages', 'findings'),
    'cli': ('web_server', 'workers', 'backup', 'logs_check', 'logs_unload', 'logs_load', 'logs_publish', 'logs_report',
            'logs_who', 'logs_options', 'connection', 'mongod', 'web', 'bootstrap', 'listener', 'admin', 'supervisor',
            'data_dir', 'processes', 'replica_set', 'database', 'migration_report', 'progress', 'errors', 'tables'),
    'migration': ('midas.run', 'midas.leftovers', 'midas.counts', 'midas.aliases', 'midas.files', 'midas.people',
                  'midas.present', 'midas.dependencies', 'midas.documents', 'midas.plan', 'midas.places',
                  'midas.redirects', 'midas.target', 'midas.data', 'midas.packed', 'midas.database', 'midas.tables',
                  'midas.stores', 'midas.archives', 'midas.ids',
                  'midas.rules.metadata', 'midas.rules.releases', 'midas.rules.files', 'midas.rules.moments',
                  'midas.rules.texts', 'run', 'answers', 'verify', 'collisions', 'deletions', 'leftovers', 'trees',
                  'linked_files', 'files', 'links', 'accounts', 'download_counts', 'girder_rest', 'settings',
                  'contents', 'target_store', 'source_stores', 'sizes', 'writer', 'changes', 'claims', 'verdicts',
                  'journal', 'rest_client', 'girder_database', 'source', 'references', 'options', 'pace', 'errors',
                  'rules.items', 'rules.folders', 'rules.fields', 'rules.shapes', 'rules.counts', 'rules.values',
                  'rules.twins', 'rules.texts', 'notes'),
    'logs': ('publication.run', 'publication.raw_assets', 'publication.small_files',
             'publication.checked_files', 'publication.options',
             'report.create', 'report.page', 'report.sections', 'report.world', 'report.plots', 'report.images',
             'report.comparison', 'report.movement', 'report.tables', 'report.daily_files', 'check', 'published',
             'github.commits', 'github.releases', 'github.api', 'github.permissions', 'statistics', 'ingest', 'engine',
             'days', 'raw_logs', 'ledger', 'dashboard', 'manifest', 'daily', 'facts', 'reading', 'countries', 'place',
             'errors', 'rules.comparison', 'rules.counting', 'rules.formats', 'rules.raw_lines', 'rules.addresses',
             'rules.privacy', 'rules.clients', 'rules.contents', 'rules.labels', 'rules.vocabulary', 'rules.scales'),
    'front': ('server', 'application', 'downloads', 'cached', 'collapsed', 'girder', 'bodies', 'classes', 'access_log',
              'exchange', 'connection', 'protocol', 'versions', 'threads', 'coalesced', 'admission', 'pace'),
    'midas': ('resource', 'store', 'api', 'files', 'outcomes', 'entries', 'sites', 'addresses'),
    'pages': ('news', 'feed_formats', 'badges', 'girder_client', 'extension_page', 'readme', 'listing', 'popular',
              'shares', 'offering', 'offers', 'origin', 'install', 'previews', 'application', 'page_cache', 'links',
              'html', 'builds', 'extensions', 'visitors', 'about', 'addresses', 'charts', 'days',
              'license_links', 'assets'),
}
#: From which modules those of the client import; ``cli`` is its command line.
CLIENT_ARROWS = {
    '__main__': {'cli'},
    'cli': {'addresses', 'attestations', 'checks', 'client', 'config', 'descriptions', 'diagnosis', 'errors',
            'explain', 'fields', 'filenames', 'github', 'identity', 'inspection', 'localfile', 'locks', 'logins',
            'metadata', 'mirror', 'oidc', 'publish', 'readmes', 'receipts', 'registry', 'retry', 'tags',
            'verification'},
    '': {'client', 'constants', 'errors'},
    'client': {'errors', 'package_calls', 'fields', 'registry'},
    'package_calls': {'addresses', 'attestations', 'connection', 'download', 'errors', 'fields', 'localfile',
                      'provenance', 'publish', 'registry'},
    'publish': {'connection', 'errors', 'journal', 'fields', 'localfile', 'provenance', 'readmes', 'registry',
                'transfer'},
    'readmes': {'companions', 'connection', 'errors', 'inspection', 'registry', 'textfiles'},
    'provenance': {'attestations', 'companions', 'connection', 'errors', 'fields', 'registry'},
    'companions': {'connection', 'errors', 'registry'},
    'download': {'connection', 'errors', 'locks', 'registry', 'threaded_digest'},
    'diagnosis': {'addresses', 'connection', 'directories', 'errors', 'identity', 'registry'},
    'identity': {'connection', 'registry'},
    'checks': {'addresses', 'errors', 'fields', 'inspection'},
    'verification': {'connection', 'download', 'errors', 'fields', 'filenames', 'localfile', 'registry'},
    'mirror': {'connection', 'download', 'errors', 'fields', 'registry'},
    'receipts': {'publish'},
    'registry': {'connection', 'constants', 'errors', 'fields'},
    'github': {'errors', 'explain', 'github_session', 'localfile', 'retry', 'transfer'},
    'github_session': {'certificates', 'localfile', 'retry'},
    'transfer': {'chunk_size', 'connection', 'errors', 'explain', 'journal', 'localfile'},
    'oidc': {'certificates', 'config', 'connection', 'errors', 'explain'},
    'connection': {'addresses', 'certificates', 'errors', 'explain', 'retry'},
    'descriptions': {'inspection', 'metadata'},
    'filenames': {'fields', 'inspection'},
    'metadata': {'errors', 'fields', 'textfiles'},
    'explain': {'addresses', 'config', 'errors', 'retry'},
    'retry': {'config'},
    'logins': {'directories', 'errors', 'locks'},
    'config': {'directories', 'errors', 'textfiles'},
    'journal': {'directories'},
    'locks': {'directories', 'errors'},
}
#: The client's modules without an arrow, and all that import only how it fails.
CLIENT_GROUND = ('addresses', 'attestations', 'certificates', 'chunk_size', 'constants', 'directories', 'errors',
                 'fields', 'inspection', 'localfile', 'tags', 'textfiles', 'threaded_digest')
#: What the modules below a path never import from elsewhere.
FORBIDDEN = {
    'registry': ('cherrypy', 'girder.api'),
    'backup': ('cherrypy', 'girder.api'),
    'doctor': ('cherrypy', 'girder.api'),
    'registry/schema': ('girder.models', 'pymongo'),
    'logs': ('cherrypy', 'girder', 'pymongo', 'bson'),
    'logs/rules': ('os', 'pathlib', 'duckdb'),
    'migration': ('cherrypy', 'girder.api'),
    'migration/rules': ('girder', 'pymongo', 'bson', 'os', 'pathlib'),
    'migration/midas/rules': ('girder', 'pymongo', 'pymysql', 'bson', 'os', 'pathlib'),
}


def by_name(look):
    """What ``look`` finds in each module, by the names of those in which it finds something."""
    return {str(path.relative_to(ROOT)): found for path in MODULES if (found := look(path))}


@cache
def nodes(path):
    return list(ast.walk(ast.parse(path.read_text())))


def root_of(path):
    return next(root for root in (ROOT, CLIENT) if root in path.parents)


def modules_below(root):
    """The files of modules, also in the folder that the server shares with the client by a symbolic link."""
    return sorted(Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names
                  if name.endswith('.py'))


def imported(path):
    """The dotted names of all that a module imports, wherever it does."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level or path.parent.name == 'inspection', 'imports are absolute'
            module = '.'.join(path.relative_to(root_of(path).parent).parent.parts) if node.level else node.module
            yield from (f'{module}.{one.name}' for one in node.names)


@cache
def graph(root):
    """The modules below the package ``root``, each with those of the package that it imports; ``''`` is the package."""
    modules = {'.'.join(path.relative_to(root).with_suffix('').parts): path for path in modules_below(root)}
    paths = {'' if name == '__init__' else name.removesuffix('.__init__'): path for name, path in modules.items()}

    def nearest(name):
        while name not in paths:
            name = name.rpartition('.')[0]
        return name
    found = {}
    for module, path in paths.items():
        ours = (one.removeprefix(root.name).removeprefix('.') for one in imported(path)
                if one.startswith(f'{root.name}.'))
        found[module] = {nearest(one) for one in ours} - {module}
    return found


def floor(module):
    parts = module.split('.')
    return '.'.join(parts[:2]) if parts[0] in ('registry', 'rest') and len(parts) > 2 else parts[0]


def arrows(modules, floor_of):
    found = {}
    for module, others in modules.items():
        found.setdefault(floor_of(module), set()).update({floor_of(one) for one in others if one} - {floor_of(module)})
    return found


def test_the_arrows_between_floors_are_those_that_are_named():
    assert arrows(graph(ROOT), floor) == ARROWS


def test_every_arrow_points_to_a_lower_floor():
    # What serves several of the doors stands below them, wherever it is in the table.
    assert list(TopologicalSorter(ARROWS).static_order())


@pytest.mark.parametrize('root', [ROOT, CLIENT], ids=lambda root: root.name)
def test_no_imports_go_in_a_circle(root):
    assert list(TopologicalSorter(graph(root)).static_order())


@pytest.mark.parametrize('folder', ORDER)
def test_modules_import_only_from_those_after_them(folder):
    place = {f'{folder}.{name}': number for number, name in enumerate(ORDER[folder])}
    modules = {module: others for module, others in graph(ROOT).items() if floor(module) == folder}
    assert place.keys() <= modules.keys()
    wrong = [(module, one) for module, others in modules.items() if module != folder for one in others
             if one.startswith(f'{folder}.') and place.get(one, -1) <= place.get(module, -1)]
    assert wrong == []


def test_the_clients_arrows_are_those_that_are_named():
    found = arrows(graph(CLIENT), lambda module: module.split('.')[0])
    ground = {name: found.pop(name) for name in CLIENT_GROUND}
    assert {name: others for name, others in ground.items() if others - {'errors', 'addresses'}} == {}
    assert found == CLIENT_ARROWS


def test_no_module_knows_what_is_not_its_business():
    def wrong(path):
        forbidden = [one for place, names in FORBIDDEN.items() if (ROOT / place) in path.parents for one in names]
        return [one for one in imported(path) if any(one == name or one.startswith(name + '.') for name in forbidden)]
    assert by_name(wrong) == {}


def test_a_module_has_one_idea():
    def size(path):
        lines = len(path.read_text().splitlines())
        return lines if lines > LARGEST_MODULE else None
    assert by_name(size) == {}


def test_functions_are_short():
    def long(path):
        return {node.name: node.end_lineno - node.lineno + 1 for node in nodes(path)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.end_lineno - node.lineno + 1 > LARGEST_FUNCTION}
    assert by_name(long) == {}


def test_every_place_with_a_rule_is_there():
    assert [one for one in FORBIDDEN if not (ROOT / one).exists()] == []


def test_the_page_about_the_floors_has_each_of_them():
    floors = {one.partition('.')[2] for one in ARROWS if one.startswith('registry.')}
    assert floors == set(re.findall(r'^  ([a-z]+) ', PAGE.read_text(encoding='utf-8'), re.MULTILINE))


def test_the_drawing_of_the_floors_has_their_arrows():
    run = subprocess.run([sys.executable, str(DRAWN_BY), '--check'], timeout=PATIENCE, check=False)
    assert run.returncode == 0, 'Run python docs/draw_floors.py'
