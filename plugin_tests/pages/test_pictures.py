"""The pictures in the documentation are those that docs/pictures.py takes."""
import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / 'docs'
IMAGES = DOCS / 'images'


@pytest.fixture(scope='module')
def pictures():
    spec = importlib.util.spec_from_file_location('pictures', DOCS / 'pictures.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_picture_is_taken_by_the_script(pictures):
    assert {path.stem for path in IMAGES.glob('*.webp')} == set(pictures.PICTURES)


def test_no_picture_is_large(pictures):
    assert [path.name for path in IMAGES.glob('*.webp') if path.stat().st_size > pictures.LARGEST] == []


def test_each_picture_is_shown():
    pages = ' '.join(page.read_text(encoding='utf-8') for page in DOCS.rglob('*.md'))
    shown = set(re.findall(r'images/([\w-]+)\.webp', pages))
    assert {path.stem for path in IMAGES.glob('*.webp')} == shown
