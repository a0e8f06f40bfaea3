"""Where the API, and what stands beside it, can be reached."""
from slicer_package_manager.rest.middleware import errors


def accept_doubled_slash(tree):
    """Serve ``//api`` like ``/api``: a server URL configured with a trailing slash makes clients ask for that."""
    for path, app in list(tree.apps.items()):
        if path.endswith('/api') and path.removesuffix('/api') + '//api' not in tree.apps:
            tree.mount(app.root, path.removesuffix('/api') + '//api', app.config)


def mount_beside_api(tree, place, resource, config):
    """Serve ``resource`` at ``place`` beside every ``/api``: at the root and, if Girder has one, below its prefix."""
    for path in [path for path in tree.apps if path.endswith('/api')]:
        tree.mount(resource, path.removesuffix('/api') + place, {
            '/': {**config['/'], 'error_page.default': errors.as_json}})
