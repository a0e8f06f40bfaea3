"""Write the parts of ``docs/reference/client.md`` that follow from the code: run it after a change of options.

``python python_client/tools/reference.py`` writes, and with ``--check`` fails when something is to be written.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from slicer_package_manager_client.cli import cli
from slicer_package_manager_client.config import KEYS
from slicer_package_manager_client.errors import EXIT_CODES

PAGE = Path(__file__).parents[2] / 'docs' / 'reference' / 'client.md'
NAME = 'slicer_package_manager_client'
_TYPES = {'str': 'text', 'int': 'number', 'float': 'number', 'bool': 'true or false'}


def exit_codes() -> str:
    """The table of exit statuses."""
    return table(('status', '`code` in JSON', 'meaning'), [
        (str(status), f'`{code}`' if code else '', meaning) for status, code, meaning in EXIT_CODES])


def configuration() -> str:
    """The table of keys of a profile."""
    return table(('key', 'value'), [(f'`{key}`', _TYPES[kinds[0].__name__]) for key, kinds in KEYS.items()])


def commands() -> str:
    """Every command with its arguments and options."""
    return '\n'.join(described(NAME, cli)).strip()


def described(path: str, command: click.Command) -> list[str]:
    """A section about a command, and those of the commands below it."""
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    options = [one for one in command.params if isinstance(one, click.Option)]
    usage = ' '.join([path, '[OPTIONS]', *(argument_name(one) for one in arguments)])
    lines = [f'### `{path.removeprefix(NAME).strip() or NAME}`', '', paragraph(command.help or ''), '']
    if not isinstance(command, click.Group) or path == NAME:
        more = ' COMMAND [ARGS]...' if isinstance(command, click.Group) else ''
        lines += [f'    {usage}{more}', '', table(('option', 'meaning'), [
            (option_names(one), option_meaning(one)) for one in options if not one.hidden]), '']
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            lines += described(f'{path} {name}', command.commands[name])
    return lines


def argument_name(argument: click.Argument) -> str:
    """An argument as a usage line shows it."""
    name = argument.metavar or (argument.name or '').upper()
    return name if argument.required or argument.metavar else f'[{name}]'


def option_names(option: click.Option) -> str:
    """An option as it is given."""
    names = ', '.join(f'`{name}`' for name in [*option.opts, *option.secondary_opts])
    return names if option.is_flag else f'{names} {value_name(option)}'


def value_name(option: click.Option) -> str:
    """What kind of value an option takes."""
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return '&#124;'.join(str(choice) for choice in option.type.choices)
    if isinstance(option.type, click.DateTime):
        return 'DATE'
    return option.type.name.upper().removesuffix(' RANGE')


def option_meaning(option: click.Option) -> str:
    """The help of an option, with default and environment variable."""
    text = paragraph(option.help or '')
    facts = [text if text.endswith(('.', ']')) else f'{text}.']
    if option.required:
        facts.append('Required.')
    if option.show_default and isinstance(option.default, (str, int, float)) and not option.is_flag:
        facts.append(f'Default: `{option.default}`.')
    if isinstance(option.envvar, str):
        facts.append(f'Environment: `{option.envvar}`.')
    if option.multiple:
        facts.append('May be given several times.')
    return re.sub(r'(`[^`]*`)|(\{\w+\})', lambda found: found[1] or f'`{found[2]}`', ' '.join(facts)).replace(
        '|', '&#124;').replace('<', '&lt;')


def paragraph(text: str) -> str:
    """Help text without its line breaks inside paragraphs."""
    paragraphs = [' '.join(part.split()).replace('``', '`') for part in text.split('\n\n')]
    return '\n\n'.join(paragraphs)


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    return '\n'.join(f'| {" | ".join(row)} |' for row in [heads, tuple('---' for _head in heads), *rows])


def updated(page: str) -> str:
    """The page with its generated parts as they should be."""
    for part in (exit_codes, configuration, commands):
        begin, end = f'<!-- begin {part.__name__} -->', f'<!-- end {part.__name__} -->'
        head, rest = page.split(begin)
        page = f'{head}{begin}\n{part()}\n{end}{rest.split(end)[1]}'
    return page


def main() -> int:
    """Write the page, or check it."""
    before = PAGE.read_text('utf-8')
    after = updated(before)
    if '--check' not in sys.argv[1:]:
        PAGE.write_text(after, 'utf-8')
    elif after != before:
        print(f'{PAGE} is out of date; run python {Path(__file__).name}', file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
