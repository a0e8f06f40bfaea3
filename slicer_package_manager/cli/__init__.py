"""The command line ``slicer-package-manager``."""
from importlib import import_module

import click

from slicer_package_manager import __version__

#: The commands, each with its module in this package, in which it has the same name.
COMMANDS = {'serve': 'serve', 'links': 'links', 'key': 'keys', 'account': 'accounts', 'backup': 'backup',
            'restore': 'restore', 'doctor': 'doctor', 'migrate': 'migrate', 'expected': 'expected',
            'logs': 'logs', 'publisher': 'publishers', 'webhook': 'webhooks'}


class Commands(click.Group):
    """A group that imports only the command that is called: Girder, which others need, takes most of a second."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of all commands (click's method)."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name (click's method)."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f'{__name__}.{COMMANDS[cmd_name]}'), cmd_name)
        return command


@click.group(cls=Commands, context_settings={'help_option_names': ['-h', '--help']})
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
