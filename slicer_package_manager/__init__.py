"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from importlib.metadata import version

import click
from girder.plugin import GirderPlugin, getPlugin

__version__ = version('slicer-package-manager')


def _require_usable():
    from slicer_package_manager.registry import older_data, startup
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
        from slicer_package_manager.registry import changes, corrections, operation, startup
        from slicer_package_manager.registry import settings as known_settings
        from slicer_package_manager.rest import (
            anonymous,
            bodies,
            files,
            finish,
            front,
            keys,
            mounts,
            outage,
            requests,
            settings,
            texts,
            transport,
            uploads,
            warn,
            watching,
            webclient,
        )

        _require_usable()
        run_as = operation.of()
        getPlugin('hashsum_download').load(info)
        known_settings.register()
        changes.watch(later=finish.before_answer)
        corrections.apply()
        for handlers in (events, keys, files, settings, uploads, warn):
            handlers.bind()
        files.add_named_download(info['apiRoot'].item)
        startup.begin()
        bodies.read_in_large_steps(info['apiRoot'].file)
        requests.guard_bodies(info['apiRoot'])
        info['apiRoot'].app = rest.App()
        info['apiRoot'].slicer_package_manager = rest.PackageManager()
        pages.mount(info['serverRoot'], info['config'])
        for place, path, handler in rest.BESIDE_API:
            mounts.mount_beside_api(info['serverRoot'], place, rest.BesideApi(path, handler), info['config'])
        webclient.register(info['serverRoot'])
        mounts.accept_doubled_slash(info['serverRoot'])
        texts.guard()
        anonymous.guard()
        outage.guard(info['serverRoot'])
        requests.guard(info['serverRoot'])
        watching.start(info['serverRoot'], run_as)
        front.put_before(info['serverRoot'])
        transport.warn_if_aborts_are_hidden()
