"""The documentation is complete and describes what the code does."""
import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from plugin_tests.conftest import upload
from plugin_tests.shown import assert_shown
from plugin_tests.waiting import PATIENCE

ROOT = Path(__file__).parent.parent
DOCS = ROOT / 'docs'
PAGES = [ROOT / 'README.md', ROOT / 'CHANGELOG.md', ROOT / 'CONTRIBUTING.md', *sorted(DOCS.rglob('*.md'))]
CODE = sorted((ROOT / 'slicer_package_manager').rglob('*.py'))
EXAMPLES = json.loads((DOCS / 'rest_examples.json').read_text(encoding='utf-8'))
_LINK = re.compile(r'\]\(([^)\s]+)\)')
_FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r'\b(?:GIRDER|SLICER_PACKAGE_MANAGER)_[A-Z][A-Z_]*[A-Z]\b')

_READ = re.compile(r"\bos\.environ(?:\.get\(|\[)'(\w+)'")


def read(path):
    return path.read_text(encoding='utf-8')


def title(page):
    return str(page.relative_to(ROOT))


def anchors(page):
    """The anchors that mkdocs gives to the headings of ``page``."""
    headings = re.findall(r'^#+ (.*)$', _FENCE.sub('', read(page)), re.MULTILINE)
    return {re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', heading).strip().lower()) for heading in headings}


def test_the_rest_reference_is_what_the_routes_say():
    run = subprocess.run([sys.executable, str(DOCS / 'generate_rest_reference.py'), '--check'],
                         capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert run.returncode == 0, f'Run python docs/generate_rest_reference.py\n{run.stdout}{run.stderr}'


def our_routes(api_root):
    """``METHOD /path`` of every route in Girder's API whose handler is ours."""
    from girder.api.rest import Resource
    resources = {name: one for name, one in vars(api_root).items() if isinstance(one, Resource)}
    return {f'{method.upper()} /{"/".join((name, *path))}'
            for name, resource in resources.items()
            for method, by_length in resource._routes.items()
            for routes in by_length.values() for path, handler in routes
            if handler.__module__.startswith('slicer_package_manager')}


@pytest.mark.database
def test_the_rest_reference_has_every_route_of_ours(wsgi_app):
    found = our_routes(wsgi_app.apps['/api'].root.v1)
    assert found == {one['route'] for one in EXAMPLES}
    text = '\n'.join(read(page) for page in (DOCS / 'reference' / 'rest').glob('*.md'))
    assert sorted(re.findall(r'^## `(.*)`$', text, re.MULTILINE)) == sorted(found)


@pytest.mark.database
def test_the_rest_reference_has_every_call_of_girder_that_promises_more(wsgi_app):
    from slicer_package_manager.rest.downloads import girder_file_calls, girder_upload_calls
    handlers = (*girder_file_calls.HANDLERS, *girder_upload_calls.HANDLERS)
    calls = {tuple(name.removesuffix('.before').split('.')[1:]) for name in handlers
             if name.startswith('rest.') and name.endswith('.before')}
    text = read(DOCS / 'reference' / 'rest.md')
    assert {call for call in calls if f'| `{call[0].upper()} /{call[1]}` |' not in text} == set()
    assert len(calls) > len(girder_file_calls.HANDLERS) // 2


@pytest.mark.database
def test_the_examples_of_the_rest_reference_are_real(api):
    real_ids = {}
    expect('5f4474d0e1d8c75dfc705482', {'SlicerIGT': 'IGT', 'SlicerRT': 'Radiotherapy'})
    # Other tests have what an example requires.
    for example in (one for one in EXAMPLES if 'requires' not in one):
        method, path = example['request'].split(' ', 1)
        location = example.get('location')
        for shown, real in real_ids.items():
            path, location = path.replace(shown, real), location and location.replace(shown, real)
        answer = api.request(method, path)
        if location:
            assert (answer.status_code, answer.headers['Location']) == (302, location)
            continue
        assert answer.status_code == 200, answer.text
        assert_shown(example['answer'], answer.json())
        if method == 'POST':
            real_ids[example['answer']['_id']] = answer.json()['_id']
        if example['route'].startswith('POST') and example['route'].endswith(('/package', '/extension')):
            upload(api, answer.json()['_id'], b'content')
            api.get(f'/item/{answer.json()["_id"]}/download').raise_for_status()


def expect(app_id, categories):
    """Expect extensions of the builds of an application, which a command does."""
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.expected import store
    store.replace({'_id': ObjectId(app_id)}, 'main', [
        {'name': name, 'category': category, 'tier': 5, 'repository_url': f'https://example.org/{name}'}
        for name, category in categories.items()])


def test_every_setting_is_documented_with_its_default():
    from slicer_package_manager.registry.server.settings import DELIVERIES, RULES
    text = read(DOCS / 'reference' / 'settings.md')
    rows = dict(re.findall(r'^\| `(slicer_package_manager\.\w+)` \| .*? \| `(.*?)` \|', text, re.MULTILINE))
    assert {key: json.loads(default) for key, default in rows.items()} == {
        key: default for key, (_, default) in RULES.items()}
    assert {value for value in DELIVERIES if f'`{value}`' not in text} == set()


def test_every_environment_variable_is_documented():
    text = read(DOCS / 'reference' / 'environment.md')
    used = {name for path in CODE for found in (_VARIABLE, _READ) for name in found.findall(read(path))}
    assert {name for name in used if f'`{name}' not in text} == set()


@pytest.mark.database
def test_every_call_that_stays_open_to_anonymous_users_is_documented(wsgi_app):
    from slicer_package_manager.rest.middleware.anonymous_access import OPEN
    text = read(DOCS / 'how-to' / 'protect-the-server.md')
    assert {call for call in OPEN if f'`{call}`' not in text} == set()


@pytest.mark.parametrize('page', PAGES, ids=title)
def test_links_between_pages_lead_somewhere(page):
    for target in _LINK.findall(_FENCE.sub('', read(page))):
        if target.startswith(('http://', 'https://')):
            continue
        path, _, anchor = unquote(target).partition('#')
        other = (page.parent / path).resolve() if path else page
        assert other.is_file(), target
        assert not anchor or anchor in anchors(other), target


@pytest.mark.parametrize('page', PAGES, ids=title)
def test_json_in_pages_is_json(page):
    for language, text in _FENCE.findall(read(page)):
        if language == 'json':
            json.loads(text)


#: Files in the pages for developers, each perhaps with the functions, classes or constants that are named after it.
_CODE = re.compile(r'`([\w./-]+\.(?:py|md|toml|svg|html))`(?:[ \n]\((`\w+`(?:,[ \n]+`\w+`)*)\))?')
DEVELOPMENT = [ROOT / 'CONTRIBUTING.md', *sorted((DOCS / 'development').glob('*.md'))]


def code_in(page):
    """The files that ``page`` has, each with the names after it."""
    return [(path, re.findall(r'\w+', names)) for path, names in _CODE.findall(_FENCE.sub('', read(page)))]


def defined_in(path):
    """The names of all functions, classes and constants in a Python file."""
    nodes = list(ast.walk(ast.parse(read(path))))
    targets = [target for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign)
               for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    return ({node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
            | {target.id for target in targets if isinstance(target, ast.Name)})


@pytest.mark.parametrize('page', DEVELOPMENT, ids=title)
def test_the_pages_for_developers_name_code_that_exists(page):
    for name, members in code_in(page):
        places = [base / name for base in (ROOT / 'slicer_package_manager', ROOT) if (base / name).is_file()]
        assert places, f'There is no file {name}'
        if members:
            assert set(members) - defined_in(places[0]) == set(), f'Not in {name}'


def test_the_paths_of_requests_are_found():
    assert sum(len(members) for _, members in code_in(DOCS / 'development' / 'architecture.md')) > 30


#: What pip, pipx or uv would look for by our name; paths and files do not begin with it.
_BY_NAME = re.compile(r"""(?:^|[\s"'`])slicer[-_.]package[-_.]manager([-_.]client)?(?=[\s"'`\[=<>~!]|$)""",
                      re.IGNORECASE)
_INSTALLS = re.compile(r'\b(?:pip3?|pipx|uv)\b.*?\b(?:install|download|wheel|run|add)\b(.*)|\buvx\b(.*)')
_SHOWN = {'.md', '.yaml', '.yml', '.py', '.js', '.html', '.sh', '.toml', ''}


def shown_to_people():
    """The files that say how something is installed, or might."""
    yield from ROOT.glob('*.md')
    for folder in ('docs', 'deploy', 'benchmarks', '.ci', 'slicer_package_manager', 'python_client'):
        for path in (ROOT / folder).rglob('*'):
            generated = any(part.endswith(('.egg-info', 'venv', 'cache__')) for part in path.parts)
            if path.is_file() and path.suffix in _SHOWN and not generated:
                yield path


def installed_by_name(text):
    """The lines of ``text`` that install us from a registry."""
    return [line for line in text.splitlines()
            if any(_BY_NAME.search(' '.join(command)) for command in _INSTALLS.findall(line))]


def test_nothing_is_installed_from_a_registry_which_has_the_older_product():
    assert {title(path): lines for path in shown_to_people()
            if (lines := installed_by_name(path.read_text(encoding='utf-8', errors='replace')))} == {}


@pytest.mark.parametrize(('line', 'found'), [
    ('pip install slicer-package-manager', True), ('venv/bin/pip install -U "slicer_package_manager[embedded]"', True),
    ("run: python -m pip install 'slicer-package-manager-client>=1,<2'", True),
    ('pipx run slicer-package-manager', True),
    ('`pip install slicer-package-manager-client`; the', True), ('uvx slicer-package-manager-client', True),
    ('pip install ./python_client', False), ("pip install '.[embedded]'", False),
    ('pip install ./slicer-package-manager/python_client', False), ('slicer-package-manager serve', False),
    ("pip install --no-index '/srv/wheels/slicer_package_manager-1.0.1-py3-none-any.whl[embedded]'", False)])
def test_such_a_line_is_recognized(line, found):
    assert bool(installed_by_name(line)) is found


def test_every_page_is_in_the_table_of_contents():
    listed = set(re.findall(r': (\S+\.md)$', read(ROOT / 'mkdocs.yml'), re.MULTILINE))
    assert listed == {str(page.relative_to(DOCS)) for page in DOCS.rglob('*.md')}
