"""What the plugin adds to Girder's web client: scripts and a style sheet, which the client loads when it starts."""
from pathlib import Path

from cherrypy._cptree import Tree
from girder.plugin import registerPluginStaticContent

FOLDER = Path(__file__).parent / 'static' / 'admin'
#: In the order in which they build on one another.
SCRIPTS = ('base.js', 'nav.js', 'dialogs.js', 'progress.js', 'templates.js', 'matrix.js', 'promote.js', 'prune.js',
           'applications.js', 'application.js', 'settings.js', 'panels.js')
STYLES = ('style.css',)


def register(tree: Tree) -> None:
    """Have the server below ``tree`` serve the files, and tell Girder's web client of them."""
    registerPluginStaticContent('slicer_package_manager', css=list(STYLES), js=list(SCRIPTS), staticDir=FOLDER,
                                tree=tree)
