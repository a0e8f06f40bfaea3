"""A group whose commands are imported when they are used, so that ``--help`` imports none or one of them."""
from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any

import click

from slicer_package_manager_client.cli import help_texts


class LazyGroup(click.Group):
    """A group of commands in other modules.

    :param table: for each command its module, its name there, and its summary.
    """

    def __init__(self, *args: Any, table: dict[str, tuple[str, str, str]] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._summaries = {name: summary for name, (_module, _attribute, summary) in (table or {}).items()}
        self.commands = _Commands(table or {})

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of the commands; see :meth:`click.Group.format_commands`."""
        with formatter.section('Commands'):
            formatter.write_dl(sorted(self._summaries.items()))


class _Commands(MutableMapping[str, click.Command]):
    """Commands by their names, imported when they are looked up."""

    def __init__(self, table: dict[str, tuple[str, str, str]]) -> None:
        self._table = table
        self._commands: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._commands:
            module, attribute, _summary = self._table[name]
            command: click.Command = getattr(importlib.import_module(module), attribute)
            help_texts.complete(command, name)
            self._commands[name] = command
        return self._commands[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._table, **self._commands})

    def __len__(self) -> int:
        return len({**self._table, **self._commands})
