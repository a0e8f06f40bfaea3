"""What ``--help`` shows beside options: summaries that are not cut, examples, and exit statuses."""
from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import click

from slicer_package_manager_client.errors import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = 'slicer_package_manager_client'
#: Arguments of an example for each command.
EXAMPLES = {
    'app create': ('Slicer --desc "3D Slicer"',),
    'app list': ('--json',),
    'app delete': ('Slicer --dry-run',),
    'release create': ('Slicer 5.8.1 33241',),
    'release list': ('Slicer',),
    'release promote': ('Slicer 5.8.1',),
    'release ready': ('Slicer 5.8.1', 'Slicer 5.8.1 false'),
    'release delete': ('Slicer 5.8.1 --dry-run',),
    'draft list': ('Slicer --limit 10',),
    'draft ready': ('Slicer 33000 auto',),
    'draft delete': ('Slicer 33000 --dry-run',),
    'draft prune': ('Slicer --keep 180 --dry-run',),
    'package list': ('Slicer --os linux --release 5.8.1',),
    'package show': ('Slicer Slicer --os linux --arch amd64 --release 5.8.1',),
    'package upload': ('Slicer Slicer-5.9.0-2026-11-01-linux-amd64.tar.gz --revision 33000',),
    'package download': ('Slicer Slicer --os linux --arch amd64 --release 5.8.1',),
    'package delete': ('Slicer Slicer_linux_amd64_33000 --dry-run',),
    'extension list': ('Slicer --app-revision 33000 --os linux',),
    'extension show': ('Slicer SlicerIGT --os linux --arch amd64 --app-revision 33000',),
    'extension upload': ('Slicer build/*.tar.gz -j 8',
                         'Slicer Foo.tar.gz --name Foo --app-revision 33000 --metadata Foo.s4ext'),
    'extension download': ('Slicer SlicerIGT --os linux --arch amd64 --app-revision 33000',),
    'extension delete': ('Slicer 33000_SlicerIGT_linux_amd64_ab12cd3 --dry-run',),
    'stats': ('Slicer --from 2026-01-01 --by month --csv',),
    'sync': ('Slicer mirror --release 5.8.1 --delete',),
    'check': ('build/*.tar.gz --against Slicer',),
    'verify': ('Slicer build/*.tar.gz', 'Slicer --release 5.8.1 --download'),
    'login': ('', '< key.txt'),
    'logout': ('',),
    'whoami': ('Slicer',),
    'doctor': ('Slicer',),
    'open': ('Slicer',),
}


def complete(command: click.Command, path: str) -> None:
    """Add summaries, examples and exit statuses to a command, or to all commands of a group."""
    for one_path, one in [(path, command), *(commands(command, path) if isinstance(command, click.Group) else ())]:
        one.short_help = summary(one.help or '')
        if not isinstance(one, click.Group):
            one.epilog = f'\b\nExamples:\n{_examples(one_path)}\n\n{statuses()}'


def commands(group: click.Group, path: str = '') -> Iterator[tuple[str, click.Command]]:
    """Yield all commands below ``group`` with their paths, such as ``app list``."""
    for name, command in group.commands.items():
        yield f'{path} {name}'.strip(), command
        if isinstance(command, click.Group):
            yield from commands(command, f'{path} {name}'.strip())


def summary(text: str) -> str:
    """Return the first sentence of a help text."""
    first = ' '.join(text.partition('\n\n')[0].split())
    return re.split(r'(?<=\w)\.(?:\s|$)', first, maxsplit=1)[0]


def _examples(path: str) -> str:
    return '\n'.join(f'  {NAME} {path} {arguments}'.rstrip() for arguments in EXAMPLES[path])


def statuses() -> str:
    """Return the text about exit statuses."""
    lines = (textwrap.fill(f'{status:>5}  {meaning}', 96, subsequent_indent=' ' * 7)
             for status, _code, meaning in EXIT_CODES)
    return '\b\nExit statuses:\n' + '\n'.join(lines)
