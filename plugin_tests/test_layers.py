"""The layers of the package, its sizes, and that no import points up."""
import ast
from pathlib import Path

import pytest

import slicer_package_manager

ROOT = Path(slicer_package_manager.__file__).parent
PACKAGE = slicer_package_manager.__name__
MODULES = sorted(ROOT.rglob('*.py'))

LARGEST_MODULE = 300
LARGEST_FUNCTION = 60

#: What the modules below a path never import.
FORBIDDEN = {
    'registry': ('cherrypy', 'girder.api', f'{PACKAGE}.rest', f'{PACKAGE}.pages', f'{PACKAGE}.cli',
                 f'{PACKAGE}.events'),
    'events.py': (f'{PACKAGE}.rest', f'{PACKAGE}.cli'),
    'cli': (f'{PACKAGE}.rest',),
    'backup': ('cherrypy', 'girder.api', f'{PACKAGE}.rest', f'{PACKAGE}.cli', f'{PACKAGE}.events', f'{PACKAGE}.doctor'),
    'doctor': ('cherrypy', 'girder.api', f'{PACKAGE}.rest', f'{PACKAGE}.cli', f'{PACKAGE}.events'),
    'rest': (f'{PACKAGE}.cli', f'{PACKAGE}.events', f'{PACKAGE}.pages'),
    'pages': (f'{PACKAGE}.cli', f'{PACKAGE}.events'),
    'registry/schema/validators.py': ('girder', 'pymongo', 'bson'),
    'registry/schema/fields.py': ('girder', 'pymongo', 'bson'),
    'registry/schema/name_templates.py': ('girder', 'pymongo', 'bson'),
}


def name_of(path):
    return str(path.relative_to(ROOT))


def imported(tree):
    """The dotted names of all that a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, 'imports are absolute'
            yield from (f'{node.module}.{one.name}' for one in node.names)


EVERY_MODULE = pytest.mark.parametrize('path', MODULES, ids=name_of)


@EVERY_MODULE
def test_no_import_points_up(path):
    name = name_of(path)
    forbidden = [one for place, names in FORBIDDEN.items() if name == place or name.startswith(place + '/')
                 for one in names]
    wrong = [one for one in imported(ast.parse(path.read_text()))
             if any(one == name or one.startswith(name + '.') for name in forbidden)]
    assert wrong == []


@EVERY_MODULE
def test_a_module_has_one_idea(path):
    assert len(path.read_text().splitlines()) <= LARGEST_MODULE


@EVERY_MODULE
def test_functions_are_short(path):
    long = {node.name: node.end_lineno - node.lineno + 1 for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno + 1 > LARGEST_FUNCTION}
    assert long == {}


def test_every_place_with_a_rule_is_there():
    assert [one for one in FORBIDDEN if not (ROOT / one).exists()] == []
