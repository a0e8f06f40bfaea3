"""The state of one request, and that there is no other place for it."""
import ast
from dataclasses import fields
from pathlib import Path

import cherrypy
import pytest

import slicer_package_manager
from slicer_package_manager.rest.middleware import request_state

ROOT = Path(slicer_package_manager.__file__).parent
#: The names by which modules get CherryPy's request.
REQUESTS = {'request', 'cherrypy.request', 'cherrypy.serving.request'}
#: Attributes that others read: ours, and the one by which Girder learns the scopes that a token needs.
ATTRIBUTES = {'spm', 'requiredScopes'}


def attributes_set(path):
    """The attributes that a module sets on a request."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in REQUESTS:
            yield node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'setattr' and ast.unparse(node.args[0]) in REQUESTS:
            yield ast.unparse(node.args[1])
        if isinstance(node, ast.Attribute) and node.attr == '__dict__' and ast.unparse(node.value) in REQUESTS:
            yield '__dict__'


def test_modules_set_no_other_attribute_on_a_request():
    found = {(str(path.relative_to(ROOT)), one) for path in ROOT.rglob('*.py') for one in attributes_set(path)}
    assert {one for _, one in found} == ATTRIBUTES
    assert [name for name, one in found if one == 'spm'] == ['rest/middleware/request_state.py']


def test_every_field_is_documented():
    lines = Path(request_state.__file__).read_text(encoding='utf-8').splitlines()
    for field in fields(request_state.RequestState):
        place = next(number for number, line in enumerate(lines) if line.startswith(f'    {field.name}: '))
        assert lines[place - 1].startswith('    #: ')


@pytest.fixture
def request_of_an_application():
    request = cherrypy._cprequest.Request(None, None)
    request.app = cherrypy.Application(None)
    cherrypy.serving.load(request, None)
    yield request
    cherrypy.serving.clear()


def test_a_request_has_one_state(request_of_an_application):
    request_state.current().id = 'one'
    assert request_state.current().id == 'one'
    assert request_state.current() is request_of_an_application.spm


def test_outside_of_requests_nothing_is_remembered():
    request_state.current().id = 'one'
    assert request_state.current().id is None
