"""The pictures in the documentation are those that docs/pictures.py takes, and can be taken again."""
import importlib.util
import re
from pathlib import Path

import pytest
from bson import ObjectId

from plugin_tests.site import SLICER

DOCS = Path(__file__).parents[2] / 'docs'
IMAGES = DOCS / 'images'
NAMES = sorted(path.stem for path in IMAGES.glob('*.webp'))


@pytest.fixture(scope='module')
def pictures():
    spec = importlib.util.spec_from_file_location('pictures', DOCS / 'pictures.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_picture_is_taken_by_the_script(pictures):
    assert set(NAMES) == set(pictures.PICTURES)


def test_no_picture_is_large(pictures):
    assert [path.name for path in IMAGES.glob('*.webp') if path.stat().st_size > pictures.LARGEST] == []


def test_each_picture_is_shown():
    pages = ' '.join(page.read_text(encoding='utf-8') for page in DOCS.rglob('*.md'))
    shown = set(re.findall(r'images/([\w-]+)\.webp', pages))
    assert set(NAMES) == shown


@pytest.fixture(scope='module')
def camera(pictures, site, chromium, tmp_path_factory):
    """A camera on the site, which has more to show until all pictures are taken."""
    def packages():
        return {one['_id'] for one in site.client.get(f'/app/{SLICER}/package', params={'limit': 0}).json()}

    known = packages()
    pictures.prepare(site)
    yield pictures.Camera(chromium, site, tmp_path_factory.mktemp('pictures'))
    for package in packages() - known:
        site.client.delete(f'/app/{SLICER}/package/{package}').raise_for_status()
    site.database['slicer_package_download'].delete_many({'app': ObjectId(SLICER), 'kind': 'package'})


@pytest.mark.parametrize('name', NAMES)
def test_each_picture_can_be_taken(pictures, camera, name):
    camera.take(pictures.PICTURES[name](camera), name)
    assert (camera.folder / f'{name}.webp').stat().st_size
