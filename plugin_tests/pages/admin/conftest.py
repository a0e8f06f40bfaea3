"""Girder's own web client with the plugin's views in it, opened by people with different rights."""
import itertools
import json
import re
from datetime import datetime, timezone

import httpx
import pytest
from bson.objectid import ObjectId

_PASSWORD = 'correct horse'


class Person:
    """A user with an account: the token, a client of the API, and the document."""

    def __init__(self, site, login, password=_PASSWORD):
        found = httpx.get(f'{site.url}/api/v1/user/authentication', auth=(login, password)).raise_for_status().json()
        self.token, self.document = found['authToken']['token'], found['user']
        self.client = httpx.Client(base_url=f'{site.url}/api/v1', headers={'Girder-Token': self.token})


@pytest.fixture(scope='session')
def site(server):
    """A server; these tests need none of the extensions that the other pages show."""
    return server


@pytest.fixture(scope='session')
def people(site):
    """The administrator, and two users who may edit only what :func:`grant` gives them."""
    found = {'admin': Person(site, 'admin', site.password)}
    for login in ('editor', 'reader'):
        site.post('/user', login=login, password=_PASSWORD, firstName=login, lastName='x',
                  email=f'{login}@example.org')
        found[login] = Person(site, login)
    yield found
    for person in found.values():
        person.client.close()


@pytest.fixture
def grant(site, people):
    """Give the editor a level of access to a folder."""
    def give(folder_id, level=1, *, recurse=True):
        access = {'users': [{'id': people['admin'].document['_id'], 'level': 2},
                            {'id': people['editor'].document['_id'], 'level': level}], 'groups': []}
        site.client.put(f'/folder/{folder_id}/access', params={
            'access': json.dumps(access), 'recurse': recurse}).raise_for_status()
    return give


_numbers = itertools.count(1)


@pytest.fixture
def app(site):
    """An application of this test alone, as the REST API answers it; it is gone afterwards."""
    found = site.post('/app', name=f'App {next(_numbers)} <b title="">&amp;"\'')
    yield found
    site.client.delete(f'/app/{found["_id"]}')


@pytest.fixture
def release(site, app):
    """A maker of releases of the application."""
    def make(name='5.8.1', revision='33241', **values):
        return site.post(f'/app/{app["_id"]}/release', name=name, app_revision=revision, **values)
    return make


@pytest.fixture
def fill(site, app):
    """Put a package and some extensions, for each of ``systems``, where uploads for ``revision`` go."""
    def make(revision='33241', extensions=1, systems=(('linux', 'amd64'),)):
        for os, arch in systems:
            site.package(app['_id'], revision=revision, os=os, arch=arch)
            for number in range(extensions):
                site.extension(app['_id'], app_revision=revision, os=os, arch=arch, baseName=f'Extension{number}')
    return make


@pytest.fixture
def summary(site, app):
    """Request the summary of the application."""
    return lambda: site.client.get(f'/app/{app["_id"]}/summary', params={'limit': 0}).raise_for_status().json()


@pytest.fixture
def expect(site, app):
    """Expect extensions of each build, which the command ``expected sync`` does."""
    def make(*names):
        site.database['slicer_package_expected'].insert_one({
            'app': ObjectId(app['_id']), 'branch': '5.8', 'synced': datetime.now(timezone.utc), 'entries': [
                {'name': name, 'category': '', 'tier': 1 + 2 * (name == 'Third'), 'repository_url': ''}
                for name in names]})
    return make


class Girder:
    """Girder's web client in a window, with the actions that tests share."""

    def __init__(self, window, person):
        self.window, self.page = window, window.page
        if person:
            self.page.add_init_script(f"localStorage.setItem('girderToken', {json.dumps(person.token)})")
        self.page.goto('/admin')
        self.page.wait_for_selector('.g-global-nav-li')

    def go(self, route, selector='.spm-page'):
        """Open a page and wait for a part of it."""
        self.page.goto(f'/admin#{route}')
        self.page.wait_for_selector(selector)
        return self

    def settle(self):
        """Wait until all requests are complete."""
        self.page.wait_for_load_state('networkidle')

    def button(self, name, **options):
        return self.page.get_by_role('button', name=name, **options)

    def dialog(self, button):
        """Open a dialog by a button, and return it when it can be used."""
        self.button(button, exact=True).first.click()
        return self.opened_dialog()

    def opened_dialog(self):
        """The form of the dialog that is being opened, when it can be used."""
        found = self.page.locator('#g-dialog-container.in form')
        found.wait_for()
        # The focus moves at the end of the transition: until then, Playwright types into another field.
        self.page.wait_for_function(
            "(container) => getComputedStyle(container).opacity === '1' && container.contains(document.activeElement)",
            arg=self.page.query_selector('#g-dialog-container'))
        return found

    def row(self, name):
        """The row of a table with this name."""
        named = self.page.locator('th .spm-name', has_text=re.compile(f'^{re.escape(name)}$'))
        return self.page.locator('.spm-table tbody tr').filter(has=named)

    def alerted(self, text):
        """Wait for an alert with this text."""
        self.page.locator('#g-alerts-container .alert', has_text=text).first.wait_for()

    def forgive(self, status):
        """Remove the browser's message about a response with this status from the problems; it has to be there."""
        noted = [one for one in self.window.problems if f'status of {status}' in one]
        assert noted, self.window.problems
        self.window.problems[:] = [one for one in self.window.problems if one not in noted]


@pytest.fixture
def open_girder(open_window, people):
    """Open Girder's web client as a user, or as ``anonymous``."""
    return lambda person='admin', **options: Girder(open_window(**options), people.get(person))
