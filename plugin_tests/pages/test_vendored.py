"""Files of other projects in the pages are unchanged copies; requires no network."""
import hashlib
import json
from pathlib import Path

from slicer_package_manager.pages.assets import FOLDER

WEB = Path(__file__).parents[2] / 'web'
LIST = json.loads((WEB / 'vendored.json').read_text(encoding='utf-8'))


def test_the_files_are_those_that_were_copied():
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (FOLDER / 'vendor').iterdir()}
    assert sums == {name: total for package in LIST.values() for name, total in package['sha256'].items()}


def test_their_versions_are_the_pinned_ones():
    pinned = json.loads((WEB / 'package.json').read_text(encoding='utf-8'))['dependencies']
    locked = json.loads((WEB / 'package-lock.json').read_text(encoding='utf-8'))['packages']
    versions = {name: package['version'] for name, package in LIST.items()}
    assert versions == pinned == {name: locked[f'node_modules/{name}']['version'] for name in pinned}


def test_each_has_its_license():
    assert all(any('LICENSE' in name for name in package['sha256']) for package in LIST.values())
