"""The command line ``slicer-package-manager``."""
import click

from slicer_package_manager import __version__
from slicer_package_manager.cli.accounts import account
from slicer_package_manager.cli.backup import backup
from slicer_package_manager.cli.doctor import doctor
from slicer_package_manager.cli.keys import key
from slicer_package_manager.cli.links import links
from slicer_package_manager.cli.restore import restore
from slicer_package_manager.cli.serve import serve


@click.group(context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(__version__, prog_name='slicer-package-manager')
def main() -> None:
    """Run and maintain a Slicer package server.

    \b
    Examples:
      slicer-package-manager serve
      slicer-package-manager serve --help
      slicer-package-manager backup /srv/backups
      slicer-package-manager doctor
      slicer-package-manager links check
    """  # noqa: D301 - click takes the control character as "keep these lines"


main.add_command(serve)
main.add_command(links)
main.add_command(key)
main.add_command(account)
main.add_command(backup)
main.add_command(restore)
main.add_command(doctor)
