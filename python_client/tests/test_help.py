"""What --help shows, completion of names, and permissions of key files."""
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from slicer_package_manager_client.cli import cli, completion, help_texts
from slicer_package_manager_client.errors import EXIT_CODES

COMMANDS = dict(help_texts.commands(cli))
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize('path', LEAVES)
def test_help_has_examples_and_exit_statuses(path, invoke):
    text = invoke(*path.split(), '--help').stdout
    for arguments in help_texts.EXAMPLES[path]:
        assert f'{help_texts.NAME} {path} {arguments}'.rstrip() in text
    for status, _code, meaning in EXIT_CODES:
        assert f'{status}  {meaning}' in text


@pytest.mark.parametrize('path', LEAVES)
def test_examples_are_accepted(path):
    for arguments in help_texts.EXAMPLES[path]:
        words = shlex.split(arguments.partition('<')[0])
        given = [word for word in words if '*' not in word] + ['x'] * ('*' in arguments)
        LEAVES[path].make_context(path, given)


def test_summaries_are_not_cut(invoke):
    text = ' '.join(invoke('--help').stdout.split())
    for name, command in cli.commands.items():
        assert f' {name} {command.short_help} ' in text
    assert '...' not in text.partition('Commands:')[2]


@pytest.mark.parametrize('path', LEAVES)
def test_every_option_has_a_name_with_hyphens(path):
    for option in LEAVES[path].params:
        if isinstance(option, click.Option):
            names = {*option.opts, *option.secondary_opts}
            assert {name.replace('_', '-') for name in names} <= names


def test_names_with_hyphens_are_the_same_options(run, girder, make_file):
    run('extension', 'upload', 'Slicer', make_file(), '--name', 'Foo', '--app-revision', '1', '--repo-url', 'https://x',
        '--icon-url', 'https://i')
    meta = girder.items[0]['meta']
    assert (meta['app_revision'], meta['repository_url'], meta['icon_url']) == ('1', 'https://x', 'https://i')
    run('package', 'upload', 'Slicer', make_file(), '--name', 'S', '--revision', '1', '--version', '5', '--pre-release')
    assert girder.items[0]['meta']['pre_release'] == 'true'


def test_required_options_are_marked(invoke):
    text = ' '.join(invoke('extension', 'upload', '--help').stdout.split())
    assert text.count('[required, unless the name of the file states it]') == 2
    assert '[x>=0; required]' in ' '.join(invoke('draft', 'prune', '--help').stdout.split())


def complete(text, word, **env):
    """What a shell offers for the last word."""
    done = subprocess.run(
        [Path(sys.executable).with_name('slicer_package_manager_client')], text=True, capture_output=True, check=False,
        env={**os.environ, '_SLICER_PACKAGE_MANAGER_CLIENT_COMPLETE': 'bash_complete',
             'COMP_WORDS': f'slicer_package_manager_client {text}', 'COMP_CWORD': str(len(text.split()) + 1), **env})
    return [line.partition(',')[2] for line in done.stdout.splitlines() if line.partition(',')[2].startswith(word)]


def test_a_shell_completes_applications_and_releases(girder):
    girder.make_app('SlicerSALT')
    girder.make_app('Other')
    girder.make_release('5.8.1', '1')
    env = {'SLICER_PACKAGE_MANAGER_API_URL': girder.url, 'GIRDER_API_KEY': girder.key}
    assert complete('package list', '', **env) == ['Slicer', 'SlicerSALT', 'Other']
    assert complete('release promote Slicer', '', **env) == ['5.8.1']
    assert complete('package list Slicer --release', '', **env) == ['5.8.1']


def test_profiles_are_completed(home):
    path = home / 'config' / 'slicer-package-manager' / 'client.toml'
    path.parent.mkdir(parents=True)
    path.write_text('[profiles.main]\n[profiles.test]\n')
    assert complete('--profile', '') == ['main', 'test']


def test_completion_without_a_server_is_empty_and_no_failure():
    context = cli.make_context('x', ['--api-url', 'http://127.0.0.1:9/api/v1', 'app'], resilient_parsing=True)
    assert completion.applications(context, None, '') == completion.releases(context, None, '') == []
    context.params['config_file'] = '/missing'
    assert completion.profiles(context, None, '') == []


@pytest.mark.skipif(os.name != 'posix', reason='files have no such permissions')
@pytest.mark.parametrize(('mode', 'warned'), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_key_file_that_others_may_read_gets_a_warning(mode, warned, invoke, girder, tmp_path):
    path = tmp_path / 'key'
    path.write_text(girder.key)
    path.chmod(mode)
    done = invoke('--api-url', girder.url, '--api-key-file', path, 'app', 'list')
    assert done.exit_code == 0
    assert (f'chmod 600 {path}' in done.stderr) == warned
