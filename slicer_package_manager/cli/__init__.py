"""The command line ``slicer-package-manager``."""
import click

from slicer_package_manager import __version__


@click.group(context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(__version__, prog_name='slicer-package-manager')
def main():
    """Run and look after a Slicer package server."""
