"""A real browser for the tests of pages, which notices what a person would find out too late."""
import contextlib
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

#: The widths of a computer's and of a telephone's window.
WIDTHS = {'wide': 1280, 'narrow': 390}
#: How long a page may take, in milliseconds.
_PATIENCE = 120_000
# The first one has no window at all, which takes less than half of the processor time.
_NAMES = ('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome')
_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200">
<rect width="320" height="200" fill="hsl({hue} 45% 60%)"/><circle cx="160" cy="100" r="60" fill="hsl({hue} 55% 82%)"/>
</svg>"""


def executable():
    """The Chromium to run: that of the PATH, since none is downloaded."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise RuntimeError('No Chromium: install it with "apt-get install chromium"')
    return found


@contextlib.contextmanager
def running():
    """A Chromium without a window; contexts of it have nothing in common."""
    # It looks for no updates, and needs no more shared memory than a container has.
    quiet = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update']
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=quiet)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """A window of the browser, on the server at ``url``.

    ``page`` is Playwright's. Whatever goes wrong while it is open is in ``problems``: errors on the console and in
    scripts, and requests to other servers. Pictures from there, which extensions name, are painted here; those whose
    address has the word ``missing`` are not there.
    """

    def __init__(self, browser, url, *, width='wide', dark=False, **options):
        self.url, self.problems, self.pictures = url, [], []
        self.context = browser.new_context(
            base_url=url, viewport={'width': WIDTHS[width], 'height': 800},
            color_scheme='dark' if dark else 'light', reduced_motion='reduce', **options)
        self.context.set_default_timeout(_PATIENCE)
        # An expression, since Playwright would call a function for each request.
        self.context.route(re.compile(f'^(?!{re.escape(url)}|data:)'), self._elsewhere)
        self.page = self.context.new_page()
        self.page.on('console', self._on_console)
        self.page.on('pageerror', lambda error: self.problems.append(f'script: {error}'))

    def _elsewhere(self, route):
        request = route.request
        if request.resource_type != 'image':
            self.problems.append(f'request to another server: {request.method} {request.url}')
            route.abort()
            return
        self.pictures.append(request.url)
        if 'missing' in request.url:
            route.fulfill(status=404)
        else:
            route.fulfill(content_type='image/svg+xml', body=_PICTURE.format(hue=sum(request.url.encode()) % 360))

    def _on_console(self, message):
        host = urlsplit((message.location or {}).get('url', '')).netloc
        is_missing_picture = host and host != urlsplit(self.url).netloc and 'Failed to load resource' in message.text
        if message.type in ('error', 'warning') and not is_missing_picture:
            self.problems.append(f'{message.type} on the console: {message.text}')

    def accessibility(self, part=None):
        """What axe finds that is serious, each with the elements; of the page, or the part that a selector names."""
        found = Axe().run(self.page, context=part).response['violations']
        return {f'{one["id"]}: {one["help"]}': [node['html'] for node in one['nodes']]
                for one in found if one['impact'] in ('serious', 'critical')}

    def sideways(self):
        """By how many pixels the page is wider than the window; people on telephones should not have to scroll so."""
        return self.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

    def close(self):
        self.context.close()


class Album:
    """Screenshots, saved as files in ``folder``."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def keep(self, window, name, *, full_page=False):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f'{re.sub("[^a-z0-9-]+", "-", name.lower())}.png'
        window.page.screenshot(path=path, full_page=full_page, animations='disabled')
        assert path.stat().st_size
        return path
