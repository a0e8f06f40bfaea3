"""The addresses of MIDAS, the server of Slicer 4 until 2021, which Slicer 4 and many pages still request.

1. :mod:`addresses` has the table of all addresses: what a request asks for.
2. :mod:`resource` finds the row of a request, and calls the handler of its action.
3. :mod:`api`, :mod:`files`, :mod:`store` and :mod:`outcomes` have the handlers. Numbers of MIDAS are looked up among
   the aliases, see :mod:`registry.midas`.
"""
from __future__ import annotations

from cherrypy._cptree import Tree

from slicer_package_manager.midas.resource import Midas, error, leave_upload
from slicer_package_manager.rest.middleware import request_limits

#: Where Slicer 4 requests MIDAS. A server URL that ends with a slash makes it request the second one.
PLACES = ('/midas3', '//midas3')


def mount(tree: Tree, config: dict[str, dict[str, object]]) -> None:
    """Serve the addresses at the root of ``tree`` and, with a public path prefix of Girder, below the prefix as well.

    :param config: CherryPy's configuration of the server.
    """
    prefixes = {path.removesuffix('/api').removesuffix('/') for path in tree.apps if path.endswith('/api')}
    for prefix in prefixes:
        for place in PLACES:
            tree.mount(Midas(), prefix + place, {'/': {
                **config['/'], 'error_page.default': error, request_limits.SIZE_HOOK: leave_upload}})
