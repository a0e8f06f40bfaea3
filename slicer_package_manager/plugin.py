"""The plugin that Girder loads when a server starts."""
from __future__ import annotations

from typing import Any, TypeAlias

import click
from girder.plugin import GirderPlugin, getPlugin

#: What Girder gives to plugins: ``config``, ``serverRoot`` (CherryPy's tree) and ``apiRoot``.
PluginInfo: TypeAlias = dict[str, Any]


class SlicerPackageManagerPlugin(GirderPlugin):  # type: ignore[misc] # Girder has no types
    """Add applications, releases, drafts, packages and extensions to a Girder server."""

    DISPLAY_NAME = 'Slicer Package Manager'

    def load(self, info: PluginInfo) -> None:
        """Add the plugin to the server described by ``info``, in phases whose order matters.

        :raises environment.Unusable: a variable that configures how the server is run has an invalid value.
        :raises click.ClickException: this version cannot use the database; nothing is written to it.
        :raises RuntimeError: data in the database breaks the uniqueness of packages, which was found at once; the
            message names it.
        """
        _require_usable()
        register_settings(info)
        patch_girder()
        bind_events(info)
        mount_routes(info)
        wrap_requests(info)
        start_background()


def _require_usable() -> None:
    """Refuse a database that this version cannot use. This comes first, since nothing may be written to it."""
    from slicer_package_manager.registry import startup
    from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
    try:
        startup.require_usable()
    except UnusableDatabaseError as error:
        # Ends `girder serve` with one line; in its development mode, it is the last line of a traceback.
        raise click.ClickException(str(error)) from None


def register_settings(info: PluginInfo) -> None:
    """Register our settings, and load the plugin on whose setting and route ours build.

    This comes before all code that reads a setting.
    """
    from slicer_package_manager.registry.server import settings
    getPlugin('hashsum_download').load(info)
    settings.register()


def patch_girder() -> None:
    """Patch Girder's models.

    This comes before the first write, so that each write bumps the data version and follows the rules for packages.
    """
    from slicer_package_manager.registry import girder_patches
    from slicer_package_manager.registry.server import data_version
    data_version.watch()
    girder_patches.apply()


def bind_events(info: PluginInfo) -> None:
    """Bind the handlers of Girder's events.

    This comes before routes are mounted, so that no call of Girder is served without the handlers that extend it.
    """
    from girder.events import bind

    from slicer_package_manager import events
    from slicer_package_manager.rest.downloads import girder_file_calls, girder_upload_calls
    from slicer_package_manager.rest.middleware import setting_calls, upload_scope
    # upload_scope comes before all others that request the current user.
    for module in (events, upload_scope, girder_file_calls, setting_calls, girder_upload_calls):
        for name, handler in module.HANDLERS.items():
            bind(name, module.__name__, handler)
    upload_scope.start()
    girder_file_calls.add_named_download(info['apiRoot'].item)


def mount_routes(info: PluginInfo) -> None:
    """Mount REST calls and pages.

    This comes before :func:`wrap_requests`, which wraps only applications that are mounted.
    """
    from slicer_package_manager import midas, pages, rest
    tree = info['serverRoot']
    rest.mount(tree, info['apiRoot'], info['config'])
    pages.mount(tree, info['config'])
    rest.accept_doubled_slash(tree)
    midas.mount(tree, info['config'])


def wrap_requests(info: PluginInfo) -> None:
    """Wrap all mounted applications in middleware, whose order :mod:`rest.middleware.stack` states."""
    from slicer_package_manager.registry.server import environment
    from slicer_package_manager.rest.middleware import stack
    stack.install(info['serverRoot'], info['apiRoot'], environment.of())


def start_background() -> None:
    """Prepare the database, and start periodic work.

    This comes last, so that a server that cannot be assembled has changed nothing in the database.
    """
    from slicer_package_manager.registry import startup
    from slicer_package_manager.rest.middleware import transport
    startup.begin()
    transport.warn_of_limits()
