"""The table of metadata fields of the client has the fields of the server's."""
import pytest
from slicer_package_manager_client import fields as client

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS, PACKAGE_TYPES

TYPES = {str: 'string', int: 'integer', bool: 'boolean'}
LISTS = (validators.names, validators.web_urls)
PAIRS = [(PACKAGE_TYPES[one.label], one) for one in client.PACKAGE_TYPES]

pytestmark = pytest.mark.parametrize(('server_type', 'client_type'), PAIRS, ids=PACKAGE_TYPES)


def of_server(package_type):
    """The fields of the form of a package, by their names."""
    return {field.name: field for field in (*package_type.fields, *package_type.form_only)}


def of_client(package_type):
    return {field.key: field for field in package_type.fields}


def test_they_have_the_same_fields(server_type, client_type):
    assert set(of_client(client_type)) == set(of_server(server_type))


def test_fields_are_required_and_have_their_types_in_both(server_type, client_type):
    assert {name: (field.sent, TYPES[field.type]) for name, field in of_client(client_type).items()} == {
        name: (field.required, field.type) for name, field in of_server(server_type).items()}


def test_lists_are_lists_in_both(server_type, client_type):
    assert {name for name, field in of_client(client_type).items() if field.names} == {
        name for name, field in of_server(server_type).items() if field.validator in LISTS}


def test_packages_are_identified_by_the_same_fields(server_type, client_type):
    assert (client_type.identity, client_type.app_revision) == (server_type.identity, server_type.app_revision)


def test_systems_are_the_same(server_type, client_type):
    assert set(client.OPERATING_SYSTEMS) == set(OPERATING_SYSTEMS)
    assert set(client.ARCHITECTURES) == set(ARCHITECTURES)
