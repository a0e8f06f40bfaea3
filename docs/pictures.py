"""Take the pictures of the pages that the documentation shows, with Chromium and a server with example data.

``tox -e pictures`` replaces the pictures. Fails if a page has an error, or if a picture is too large. Requires Chromium
on the PATH. ``plugin_tests/pages/test_pictures.py`` takes the same pictures, and discards them.
"""
from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from plugin_tests import browser, mongodb, site  # noqa: E402 - the tests are no installed package
from plugin_tests.pages.admin.conftest import Girder, Person  # noqa: E402

#: Largest size of a picture in bytes: they are part of every clone.
LARGEST = 150_000
BUILD = '/catalog/All/33241/linux'
SLICER_EMBEDDING = """window.extensions_manager_model = {
    slicerRevision: '33241', slicerOs: 'linux', slicerArch: 'amd64',
    isExtensionScheduledForUninstall(name, answer) { answer(name === 'Auto3dgm'); },
    isExtensionInstalled(name, answer) { answer(['AIRR', 'AeroPath', 'BabyBrain'].includes(name)); },
};"""


class Camera:
    """Open pages of one site and write pictures of them to ``folder``."""

    def __init__(self, chromium: object, running: site.Site, folder: Path) -> None:
        self.chromium, self.site, self.folder = chromium, running, folder
        self.admin = Person(running, 'admin', running.password)

    def window(self, **options: object) -> browser.Window:
        """Open an empty window."""
        return browser.Window(self.chromium, self.site.url, **options)

    def take(self, window: browser.Window, name: str) -> None:
        """Write the picture ``name`` and close the window.

        :raises RuntimeError: the page had an error, or the picture is larger than :data:`LARGEST`.
        """
        window.page.wait_for_load_state('networkidle')
        # Playwright itself writes no WebP.
        answer = window.context.new_cdp_session(window.page).send(
            'Page.captureScreenshot', {'format': 'webp', 'quality': 85})
        content = base64.b64decode(answer['data'])
        (self.folder / f'{name}.webp').write_bytes(content)
        window.close()
        if window.problems or len(content) > LARGEST:
            raise RuntimeError(f'{name}, {len(content)} bytes: {window.problems or "too large"}')


def catalog(camera: Camera) -> browser.Window:
    """List of extensions."""
    window = camera.window()
    window.page.goto(BUILD)
    window.page.wait_for_selector('.card')
    return window


def catalog_in_slicer(camera: Camera) -> browser.Window:
    """The same inside of Slicer's Extensions Manager, dark, with buttons to install and uninstall."""
    window = camera.window()
    window.context.add_init_script(SLICER_EMBEDDING)
    window.page.goto(BUILD)
    window.page.wait_for_selector('.card button')
    window.page.evaluate('window.app.$vuetify.theme.dark = true')
    return window


def extension(camera: Camera) -> browser.Window:
    """Page of an extension with the chart of its downloads."""
    window = camera.window()
    window.page.set_viewport_size({'width': 1280, 'height': 1250})
    name = next(one['name'] for one in site.EXTENSIONS if one.get('description') and one.get('contributors'))
    window.page.goto(f'/extension/{name}?revision=33241&os=linux')
    window.page.wait_for_selector('.plot svg')
    return window


def extension_missing(camera: Camera) -> browser.Window:
    """Page of an extension that was not built for a system."""
    window = camera.window()
    window.page.goto(f'/extension/{site.EXTENSIONS[30]["name"]}?revision=33241&os=macosx&arch=amd64')
    window.page.wait_for_selector('table.builds')
    window.problems.clear()  # the browser reports the status
    return window


def download(camera: Camera) -> browser.Window:
    """Download page, for a visitor with Windows."""
    window = camera.window()
    window.context.add_init_script(
        "Object.defineProperty(navigator, 'platform', { get: () => 'Win32' });"
        "Object.defineProperty(navigator, 'userAgentData', { get: () => undefined });")
    window.page.goto('/download')
    window.page.locator('#yours a', has_text='Windows').wait_for()
    return window


def _girder(camera: Camera, route: str, selector: str = '.spm-page') -> Girder:
    return Girder(camera.window(), camera.admin).go(route, selector)


def applications(camera: Camera) -> browser.Window:
    """All applications in the administration."""
    return _girder(camera, 'packages', '.spm-table').window


def application(camera: Camera) -> browser.Window:
    """Releases and drafts of an application in the administration."""
    girder = _girder(camera, f'packages/{site.SLICER}', '.spm-table')
    girder.page.set_viewport_size({'width': 1280, 'height': 900})
    return girder.window


def _dialog(camera: Camera, button: str) -> Girder:
    girder = _girder(camera, f'packages/{site.SLICER}', '.spm-table')
    girder.dialog(button)
    return girder


def promote(camera: Camera) -> browser.Window:
    """Dialog that asks for the name of the release."""
    girder = _dialog(camera, 'Promote 33400')
    girder.page.get_by_label('Name of the release').fill('5.10.0')
    return girder.window


def prune(camera: Camera) -> browser.Window:
    """Dialog with the drafts that would be deleted."""
    girder = _dialog(camera, 'Prune drafts…')
    girder.page.get_by_label('Keep the newest').fill('2')
    girder.page.locator('.spm-dialog .modal-body button').click()
    girder.page.wait_for_selector('.spm-plan')
    return girder.window


def name_templates(camera: Camera) -> browser.Window:
    """Dialog for the templates of names."""
    girder = _dialog(camera, 'Edit')
    girder.page.wait_for_selector('.spm-example code')
    return girder.window


def settings(camera: Camera) -> browser.Window:
    """Settings of the plugin."""
    girder = _girder(camera, 'plugins/slicer_package_manager/config', 'form.g-settings-form')
    girder.page.set_viewport_size({'width': 1280, 'height': 1100})
    return girder.window


#: Names of the pictures, without ``.webp``, and how each page is opened.
PICTURES: dict[str, Callable[[Camera], browser.Window]] = {
    'catalog': catalog, 'catalog-in-slicer': catalog_in_slicer, 'extension': extension,
    'extension-missing': extension_missing, 'download': download, 'applications': applications,
    'application': application, 'promote': promote, 'prune': prune, 'name-templates': name_templates,
    'settings': settings}


def prepare(running: site.Site) -> None:
    """Add to the example data: drafts to be deleted, a preview to download, and downloads of packages."""
    app = site.SLICER
    for number, revision in enumerate(('33310', '33340', '33370')):
        for system in ('linux', 'win'):
            running.package(app, os=system, revision=revision, version=f'5.9.0-2026-10-0{number + 1}')
    for system, arch in (('win', 'amd64'), ('macosx', 'arm64')):
        running.package(app, os=system, arch=arch, revision='33400', version='5.9.0-2026-11-01')
    for os, downloads in (('linux', 4_211), ('win', 18_302), ('macosx', 6_120)):
        by_day = {'2026-10-01': downloads}
        running.count(app, 'Slicer', by_day, kind='package', release='5.8.1', system=(os, 'amd64'))


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='?', type=Path, default=ROOT / 'docs' / 'images')
    parser.add_argument('--only', nargs='*', choices=PICTURES, default=list(PICTURES), metavar='NAME')
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, mongodb.running() as uri, \
            site.running(Path(directory), uri) as running, browser.running() as chromium:
        site.fill(running)
        prepare(running)
        camera = Camera(chromium, running, options.folder)
        for name in options.only:
            camera.take(PICTURES[name](camera), name)
            print(name)  # noqa: T201


if __name__ == '__main__':
    main()
