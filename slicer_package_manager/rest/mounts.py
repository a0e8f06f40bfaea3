"""Where the API can be reached."""


def accept_doubled_slash(tree):
    """Serve ``//api`` like ``/api``: a server URL configured with a trailing slash makes clients ask for that."""
    for path, app in list(tree.apps.items()):
        if path.endswith('/api') and path.removesuffix('/api') + '//api' not in tree.apps:
            tree.mount(app.root, path.removesuffix('/api') + '//api', app.config)
