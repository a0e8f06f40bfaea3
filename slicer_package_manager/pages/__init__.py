"""The pages of the registry: one handler for each page, HTML from ``templates``, scripts and styles from ``static``.

The scripts are JavaScript modules that read the registry through its REST API. Nothing is built, and the pages load
nothing from other servers but the images that extensions name.
"""
from __future__ import annotations

from cherrypy._cptree import Tree
from girder.plugin import registerPluginStaticContent

from slicer_package_manager.pages import download, girder_client, html
from slicer_package_manager.pages.assets import FOLDER, PLACE, Assets, digest
from slicer_package_manager.pages.catalog import Catalog, View
from slicer_package_manager.pages.crawlers import Robots, Sitemap
from slicer_package_manager.pages.download import Download
from slicer_package_manager.pages.extension_page import OneExtension
from slicer_package_manager.pages.feeds import Feeds
from slicer_package_manager.pages.girder_client import Administration
from slicer_package_manager.pages.home import Home
from slicer_package_manager.pages.icon_file import Favicon
from slicer_package_manager.pages.statistics import Statistics
from slicer_package_manager.pages.status import Status

#: Each page with its path.
PAGES = {'/catalog': Catalog, '/extension': OneExtension, '/view': View, '/download': Download, '/feeds': Feeds,
         '/status': Status, '/statistics': Statistics, '/admin': Administration, '/robots.txt': Robots,
         '/sitemap.xml': Sitemap, '/favicon.ico': Favicon, f'/{PLACE}': Assets}


def mount(tree: Tree, config: dict[str, dict[str, object]]) -> None:
    """Mount the pages at the root of ``tree`` and, with a public path prefix of Girder, below the prefix as well.

    The first page replaces Girder's web client at the root; the files of the client stay beside it. The administration
    of packages in the client is registered with Girder.

    :param config: CherryPy's configuration of the server, which the pages extend.
    """
    prefixes = {path.removesuffix('/api') for path in tree.apps if path.endswith('/api')}
    for prefix in prefixes:
        for place, page in PAGES.items():
            error = download.error if page is Download else html.error
            tree.mount(page(), prefix + place, {'/': {**config['/'], 'error_page.default': error}})
        tree.mount(Home(), prefix, {'/': {
            **config['/'], 'error_page.default': html.error, 'tools.staticdir.on': True,
            'tools.staticdir.dir': girder_client.files(), 'tools.staticdir.match': r'^/(?!index\.html$)'}})
    # Girder's web client loads this script when it starts. The digest in its address selects the version of the modules
    # that it loads, see ``loader.js``.
    registerPluginStaticContent('slicer_package_manager', css=['style.css'], js=[f'loader.js?version={digest()}'],
                                staticDir=FOLDER / 'admin', tree=tree)
