"""The administration of packages in Girder's web client: one script, which loads the modules of ``static/admin``."""
from __future__ import annotations

from cherrypy._cptree import Tree
from girder.plugin import registerPluginStaticContent

from slicer_package_manager.pages.assets import FOLDER, digest


def register(tree: Tree) -> None:
    """Register the script and the style sheet with Girder, whose web client loads them when it starts.

    The digest in the script's address selects the version of the modules, see ``loader.js``.
    """
    registerPluginStaticContent('slicer_package_manager', css=['style.css'], js=[f'loader.js?version={digest()}'],
                                staticDir=FOLDER / 'admin', tree=tree)
