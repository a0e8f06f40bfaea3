"""The default application of the pages."""
import pytest
from girder.exceptions import AccessException

from slicer_package_manager.registry.schema.errors import NotFound

pytestmark = pytest.mark.database


@pytest.fixture
def shown(db):
    from slicer_package_manager.registry.catalog import applications

    def name(user=None):
        return applications.default(user)['name']
    return name


def make(api, name, **values):
    return api.post('/app', params={'name': name, **values}).raise_for_status().json()['_id']


def test_none_names_the_setting(shown):
    with pytest.raises(NotFound, match=r'There is no public application here.*slicer_package_manager\.default_app'):
        shown()


def test_the_only_public_one(api, shown, admin):
    make(api, 'Hidden', public='false')
    make(api, 'Mine')
    assert shown() == 'Mine'
    make(api, 'Other')
    with pytest.raises(NotFound, match=r'more than one public application.*slicer_package_manager\.default_app'):
        shown()


def test_slicers_comes_before_others_if_it_is_public(api, shown, admin):
    make(api, 'Mine')
    make(api, 'Slicer', app_id='5f4474d0e1d8c75dfc705482', public='false')
    assert shown() == 'Mine'
    assert shown(admin) == 'Slicer'


def test_the_setting_comes_first(api, shown):
    make(api, 'Slicer', app_id='5f4474d0e1d8c75dfc705482')
    chosen = make(api, 'Mine')
    key = 'slicer_package_manager.default_app'
    api.put('/system/setting', params={'key': key, 'value': f'"{chosen.upper()}"'}).raise_for_status()
    assert shown() == 'Mine'
    api.put(f'/folder/{chosen}/access', params={'access': '{}', 'public': 'false'}).raise_for_status()
    with pytest.raises(AccessException):
        shown()
    assert api.put('/system/setting', params={'key': key, 'value': '"Slicer"'}).status_code == 400
