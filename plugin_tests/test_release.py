"""One version everywhere, and wheels that have all files and can be installed into an empty environment."""
import importlib.util
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from plugin_tests.test_docs import PAGES
from plugin_tests.waiting import PATIENCE

ROOT = Path(__file__).parent.parent
#: The folder of each distribution and the package in it.
DISTRIBUTIONS = [('.', 'slicer_package_manager'), ('python_client', 'slicer_package_manager_client')]
_NOT_SHIPPED = ('__pycache__', '*.pyc', '.*', 'build', '*.egg-info')
#: How the pages show the version.
_SHOWN = re.compile(
    r'(?:Slicer Package Manager |"indexes": "ok",\s+"version": "|slicer_package_manager_client, version )'
    r'(\d+\.\d+\.\d+)')


def read(*parts):
    return ROOT.joinpath(*parts).read_text(encoding='utf-8')


def test_server_client_changelog_and_examples_have_one_version():
    found = {
        'pyproject.toml': re.search(r'^version = "(.*)"', read('pyproject.toml'), re.MULTILINE)[1],
        'client': re.search(r"^__version__ = '(.*)'", read(*DISTRIBUTIONS[1], '__init__.py'), re.MULTILINE)[1],
        'mkdocs.yml': re.search(r'version (\S+)$', read('mkdocs.yml'), re.MULTILINE)[1],
        'CHANGELOG.md': re.search(r'^## (\S+)', read('CHANGELOG.md'), re.MULTILINE)[1]}
    for page in PAGES:
        if page.name == 'upgrade.md':  # it shows the next version
            continue
        found.update({f'{page.name} ({version})': version for version in _SHOWN.findall(read(page))})
    assert set(found.values()) == {found['pyproject.toml']}, found
    assert len(found) > len(DISTRIBUTIONS) + 1


def pip(*args):
    """Run pip, or uv in an environment that has no pip since uv created it."""
    program = [sys.executable, '-m', 'pip'] if importlib.util.find_spec('pip') else ['uv', 'pip']
    subprocess.run([*program, '--quiet', *map(str, args)], check=True, timeout=PATIENCE)


def built(folder, package, directory):
    """The wheel of a distribution, built from a copy, so that nothing older is in it and nothing is left behind."""
    copy = directory / package
    shutil.copytree(ROOT / folder / package, copy / package, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))
    for name in ('pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / folder / name, copy)
    if importlib.util.find_spec('pip'):
        pip('wheel', '--no-deps', '--wheel-dir', copy / 'dist', copy)
    else:
        subprocess.run(['uv', '--quiet', 'build', '--wheel', '--out-dir', copy / 'dist', copy], check=True)
    (wheel,) = (copy / 'dist').glob('*.whl')
    return wheel


def files_of(folder):
    """All files below ``folder`` that belong to a distribution."""
    return {str(path.relative_to(folder.parent)) for path in folder.rglob('*')
            if path.is_file() and not any(path.match(one) or any(Path(part).match(one) for part in path.parts)
                                          for one in _NOT_SHIPPED)}


@pytest.mark.process
def test_the_wheels_have_all_files_and_run_where_nothing_else_is_installed(tmp_path):
    wheels = [built(folder, package, tmp_path) for folder, package in DISTRIBUTIONS]
    for wheel, (_, package) in zip(wheels, DISTRIBUTIONS, strict=True):
        shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f'{package}/')}
        assert shipped == files_of(tmp_path / package / package)
    venv.create(tmp_path / 'venv', symlinks=True)
    python = tmp_path / 'venv' / 'bin' / 'python'
    pip(*(['--python', python, 'install'] if importlib.util.find_spec('pip') else ['install', '--python', python]),
        *wheels)
    for command in ('slicer-package-manager', 'slicer-package-manager-client'):
        run = subprocess.run([tmp_path / 'venv' / 'bin' / command, '--version'], capture_output=True, text=True,
                             cwd=tmp_path, timeout=PATIENCE, check=True)
        assert run.stdout.rstrip().endswith(wheels[0].name.split('-')[1])
