"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from __future__ import annotations

from importlib.metadata import version
from typing import Any, TypeAlias

import click
from girder.plugin import GirderPlugin, getPlugin

__version__ = version('slicer-package-manager')

#: What Girder gives to plugins: ``config``, ``serverRoot`` (CherryPy's tree) and ``apiRoot``.
PluginInfo: TypeAlias = dict[str, Any]


class SlicerPackageManagerPlugin(GirderPlugin):  # type: ignore[misc] # Girder has no types
    """Adds applications, releases, drafts, packages and extensions to a Girder server."""

    DISPLAY_NAME = 'Slicer Package Manager'

    def load(self, info: PluginInfo) -> None:
        """Add the plugin to the server described by ``info``, in phases whose order matters.

        :raises environment.Unusable: a variable that configures how the server is run has an invalid value.
        :raises click.ClickException: the database has data of the older plugin; nothing is written to it.
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
    """First of all, since nothing may be written to a database of the older plugin."""
    from slicer_package_manager.registry import startup
    from slicer_package_manager.registry.tree import older_data
    try:
        startup.require_usable()
    except older_data.OlderDataError as error:
        # Ends `girder serve` with one line instead of a traceback.
        raise click.ClickException(str(error)) from error


def register_settings(info: PluginInfo) -> None:
    """Before everything that reads a setting, with the plugin whose setting and route ours build on."""
    from slicer_package_manager.registry.server import settings
    getPlugin('hashsum_download').load(info)
    settings.register()


def patch_girder() -> None:
    """Before the first write, so that each one bumps the data version and follows the rules for packages."""
    from slicer_package_manager.registry import girder_patches
    from slicer_package_manager.registry.server import data_version
    from slicer_package_manager.rest.middleware import deferred
    data_version.watch(later=deferred.before_response)
    girder_patches.apply()


def bind_events(info: PluginInfo) -> None:
    """Before routes are mounted: Girder triggers events for its own calls, where ours promise more."""
    from slicer_package_manager import events
    from slicer_package_manager.rest.downloads import girder_file_calls, girder_upload_calls
    from slicer_package_manager.rest.middleware import setting_calls, upload_scope
    for handlers in (events, upload_scope, girder_file_calls, setting_calls, girder_upload_calls):
        handlers.bind()
    girder_file_calls.add_named_download(info['apiRoot'].item)


def mount_routes(info: PluginInfo) -> None:
    """Before requests are wrapped, which concerns all applications that are mounted by then."""
    from slicer_package_manager import pages, rest
    tree = info['serverRoot']
    rest.mount(tree, info['apiRoot'], info['config'])
    pages.mount(tree, info['config'])
    rest.accept_doubled_slash(tree)


def wrap_requests(info: PluginInfo) -> None:
    """After all is mounted; the order is that of :mod:`slicer_package_manager.rest.middleware.stack`."""
    from slicer_package_manager.registry.server import environment
    from slicer_package_manager.rest.middleware import stack
    stack.install(info['serverRoot'], info['apiRoot'], environment.of())


def start_background() -> None:
    """Last, so that a server that cannot be put together has changed nothing in the database."""
    from slicer_package_manager.registry import startup
    from slicer_package_manager.rest.middleware import transport
    startup.begin()
    transport.warn_if_aborts_are_hidden()
