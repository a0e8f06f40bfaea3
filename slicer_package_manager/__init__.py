"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from importlib.metadata import version

import click
from girder.plugin import GirderPlugin, getPlugin

__version__ = version('slicer-package-manager')


def _require_usable():
    from slicer_package_manager.registry import startup
    from slicer_package_manager.registry.tree import older_data
    try:
        startup.require_usable()
    except older_data.OlderDataError as error:
        # Ends `girder serve` with one line instead of a traceback.
        raise click.ClickException(str(error)) from error


class SlicerPackageManagerPlugin(GirderPlugin):
    """Adds applications, releases, drafts, packages and extensions to a Girder server."""

    DISPLAY_NAME = 'Slicer Package Manager'

    def load(self, info):
        """Wire routes, event handlers and indexes into the server described by ``info``.

        :raises operation.Unusable: a variable that says how the server is run makes no sense.
        :raises click.ClickException: the database has data of the older plugin; nothing is written to it.
        :raises RuntimeError: data in the database breaks the uniqueness of packages, which was found at once; the
            message names it.
        """
        from slicer_package_manager import events, pages, rest
        from slicer_package_manager.registry import girder_patches, startup
        from slicer_package_manager.registry.server import data_version, environment
        from slicer_package_manager.registry.server import settings as known_settings
        from slicer_package_manager.rest.downloads import girder_file_calls, girder_upload_calls
        from slicer_package_manager.rest.middleware import (
            anonymous_access,
            database_errors,
            deferred,
            front,
            mounts,
            observability,
            request_limits,
            setting_calls,
            text_limits,
            transport,
            upload_bodies,
            upload_scope,
            upload_warnings,
            webclient,
        )

        _require_usable()
        run_as = environment.of()
        getPlugin('hashsum_download').load(info)
        known_settings.register()
        data_version.watch(later=deferred.before_answer)
        girder_patches.apply()
        for handlers in (events, upload_scope, girder_file_calls, setting_calls, girder_upload_calls, upload_warnings):
            handlers.bind()
        girder_file_calls.add_named_download(info['apiRoot'].item)
        startup.begin()
        upload_bodies.read_in_large_steps(info['apiRoot'].file)
        request_limits.guard_bodies(info['apiRoot'])
        info['apiRoot'].app = rest.App()
        info['apiRoot'].slicer_package_manager = rest.PackageManager()
        pages.mount(info['serverRoot'], info['config'])
        for place, path, handler in rest.BESIDE_API:
            mounts.mount_beside_api(info['serverRoot'], place, rest.BesideApi(path, handler), info['config'])
        webclient.register(info['serverRoot'])
        mounts.accept_doubled_slash(info['serverRoot'])
        text_limits.guard()
        anonymous_access.guard()
        database_errors.guard(info['serverRoot'])
        request_limits.guard(info['serverRoot'])
        observability.start(info['serverRoot'], run_as)
        front.put_before(info['serverRoot'])
        transport.warn_if_aborts_are_hidden()
