"""Options that several commands share."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable

import click

from slicer_package_manager_client.cli import completion

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Files that are transferred at the same time, unless the user gives a number.
_JOBS = 4

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Option(click.Option):
    """An option that treats an empty value as not given: CMake passes empty variables on."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """Return the value and its source; see :meth:`click.Parameter.consume_value`."""
        value, source = super().consume_value(ctx, opts)
        if self.multiple and isinstance(value, (list, tuple)):
            return [one for one in value if one != ''], source
        if value == '':
            return super().consume_value(ctx, {key: one for key, one in opts.items() if key != self.name})
        return value, source


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """A number of seconds; with the suffix ``m`` or ``h``, of minutes or hours."""

    name = 'seconds'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; see :meth:`click.ParamType.convert`."""
        match = re.fullmatch(r'(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)', str(value).strip().lower())
        if match is None:
            self.fail(f'"{value}" is no number of seconds such as 900, 15m or 1h.', param, ctx)
        return float(match[1]) * {'': 1, 's': 1, 'm': 60, 'h': 3600}[match[2]]



def with_hyphens(*names: str) -> tuple[str, ...]:
    """Return the names of an option, and those of release 0.11 with an underscore also with a hyphen."""
    return (*names, *(name.replace('_', '-') for name in names if name.startswith('--') and '_' in name))


def option(*names: str, **attributes: Any) -> Decorator:
    """Return a decorator that adds an :class:`Option`."""
    return click.option(*with_hyphens(*names), cls=Option, **attributes)



collection = option('--coll_id', help='ID of an existing collection')
as_json = option('--json', 'as_json', is_flag=True, help='Print JSON instead of text')
dry_run = option('--dry-run', is_flag=True, help='Print what would be done, and change nothing')
yes = option('--yes', is_flag=True, help='Do not ask for confirmation on a terminal')
app_name = click.argument('app_name', shell_complete=completion.applications)


def limit(noun: str) -> Decorator:
    """Return the option for the maximum length of a list."""
    return option('--limit', type=click.IntRange(min=0), default=50, show_default=True,
                  help=f'Maximum number of {noun}; 0 lists all')


def jobs(verb: str) -> Decorator:
    """Return the option for the number of threads.

    :param verb: what happens to the files.
    """
    return option('-j', '--jobs', type=click.IntRange(1, 32), default=_JOBS, show_default=True,
                  help=f'Number of files that are {verb} at the same time')


def every_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all commands."""
    return collection(as_json(function))


def changing_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that change data."""
    return every_command(dry_run(function))


def deleting_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that delete data."""
    return changing_command(yes(function))
