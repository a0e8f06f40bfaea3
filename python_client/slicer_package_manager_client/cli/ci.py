"""Output for CI services, which they recognize in the log of a job: GitHub Actions and GitLab CI.

GitHub: docs.github.com, "Workflow commands for GitHub Actions". GitLab: docs.gitlab.com, "CI/CD job logs", "Custom
collapsible sections". All of it goes to stderr and to files, so stdout has the result only.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_TITLE = 'slicer_package_manager_client'


class Service:
    """A machine without a CI service: nothing is added."""

    def error(self, line: str) -> str:
        """Return how the service recognizes an error."""
        return f'Error: {line}'

    def warning(self, line: str) -> str:
        """Return how the service recognizes a warning."""
        return f'Warning: {line}'

    @contextlib.contextmanager
    def section(self, title: str) -> Iterator[None]:  # noqa: ARG002
        """Put what is printed in the ``with`` block into a section."""
        yield

    def summarize(self, files: list[dict[str, Any]]) -> None:
        """Show the uploaded files beside the log."""

    def publish(self, values: dict[str, Any]) -> None:
        """Pass values on to the following steps of the job."""


class GitHubActions(Service):
    """Annotations, groups, the summary of the job, and outputs of the step."""

    def error(self, line: str) -> str:
        """Return the command that makes an annotation."""
        return f'::error title={_TITLE}::{_escaped(line)}'

    def warning(self, line: str) -> str:
        """Return the command that makes an annotation."""
        return f'::warning title={_TITLE}::{_escaped(line)}'

    @contextlib.contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Print a group."""
        click.echo(f'::group::{_escaped(title)}', err=True)
        try:
            yield
        finally:
            click.echo('::endgroup::', err=True)

    def summarize(self, files: list[dict[str, Any]]) -> None:
        """Append a table to the summary of the job."""
        rows = [f'| {_cell(file["name"])} | {file["status"]} | {_links(file)} | '
                f'{_cell(file.get("error", {}).get("message", ""))} |' for file in files]
        self._append('GITHUB_STEP_SUMMARY', '\n'.join(
            ['| File | Result | Address | Problem |', '| --- | --- | --- | --- |', *rows, '', '']))

    def publish(self, values: dict[str, Any]) -> None:
        """Append outputs of the step; lists and objects are JSON."""
        self._append('GITHUB_OUTPUT', ''.join(
            f'{name.replace("_", "-")}={_one_line(value)}\n' for name, value in values.items() if value is not None))

    @staticmethod
    def _append(variable: str, text: str) -> None:
        path = os.environ.get(variable)
        if path:
            with contextlib.suppress(OSError), Path(path).open('a', encoding='utf-8') as stream:
                stream.write(text)


class GitLab(Service):
    """Sections that can be collapsed."""

    @contextlib.contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Print a section."""
        name = re.sub(r'\W+', '_', title).strip('_').lower()
        click.echo(f'\x1b[0Ksection_start:{time.time():.0f}:{name}\r\x1b[0K{title}', err=True, color=True)
        try:
            yield
        finally:
            click.echo(f'\x1b[0Ksection_end:{time.time():.0f}:{name}\r\x1b[0K', err=True, color=True)


def current() -> Service:
    """Return the CI service that runs this process."""
    if os.environ.get('GITHUB_ACTIONS') == 'true':
        return GitHubActions()
    if os.environ.get('GITLAB_CI') == 'true':
        return GitLab()
    return Service()


def _escaped(text: str) -> str:
    return text.replace('%', '%25').replace('\r', '%0D').replace('\n', '%0A')


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|').replace('<', '&lt;')


def _links(file: dict[str, Any]) -> str:
    return f'[item]({file["url"]}), [download]({file["download_url"]})' if file.get('url') else ''


def _one_line(value: Any) -> str:
    return ' '.join((value if isinstance(value, str) else json.dumps(value)).splitlines())
