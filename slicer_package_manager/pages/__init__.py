"""The pages of the registry: a handler for each, HTML from ``templates``, and all else from ``static``.

They are plain HTML, CSS and JavaScript modules that read the registry through its REST calls, as any other client
does. Nothing is built, and nothing comes from other servers but the pictures that extensions name.
"""
from slicer_package_manager.pages import download, html, web_client
from slicer_package_manager.pages.assets import PLACE, Assets
from slicer_package_manager.pages.catalog import AppStore, Catalog, View
from slicer_package_manager.pages.download import Download

#: Each page with its place.
PAGES = {'/catalog': Catalog, '/view': View, '/midas3/slicerappstore': AppStore, '/download': Download,
         f'/{PLACE}': Assets}


def mount(tree, config) -> None:
    """Serve the pages below the root of ``tree`` and, where Girder has a public path prefix, below that as well.

    :param config: CherryPy's configuration of the server, which the pages add to.
    """
    prefixes = {path.removesuffix('/api') for path in tree.apps if path.endswith('/api')}
    for prefix in prefixes:
        for place, page in PAGES.items():
            error = download.error if page is Download else html.error
            tree.mount(page(), prefix + place, {'/': {**config['/'], 'error_page.default': error}})
    web_client.register(tree)
