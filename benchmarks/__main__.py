"""Run a suite: ``python -m benchmarks downloads``."""
from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import SimpleNamespace

import click

from benchmarks import origin, peer, report, runner, servers
from benchmarks.cases import SUITES


@click.command()
@click.argument('suite', type=click.Choice(list(SUITES)))
@click.option('--case', 'wanted', multiple=True, help='Only cases with this text in their name; may be repeated.')
@click.option('--turns', default=7, show_default=True, help='How often each case runs on each server.')
@click.option('--seconds', default=5, show_default=True, help='Length of a turn of those cases that count requests.')
@click.option('--clients', default=16, show_default=True, help='Connections of those cases.')
@click.option('--counted', default=2000, show_default=True,
              help='Extensions on each server, each downloaded once before.')
@click.option('--workers', default=1, show_default=True,
              help='Processes of our server; the peer has one.')
@click.option('--peer-python', help='Python of an environment that has the peer.')
@click.option('--prepare-peer', metavar='PYTHON', help='Install the peer first, with this Python 3.10.')
@click.option('--output', type=click.Path(path_type=Path), help='Write all numbers to this JSON file.')
def main(suite, wanted, peer_python, prepare_peer, output, **options):
    """Measure this server against the published peer; fails if a ratio misses its target."""
    python = peer.prepare(prepare_peer) if prepare_peer else peer.python(peer_python)
    options = SimpleNamespace(**options)
    cases = [case for case in SUITES[suite] if not wanted or any(text in case.name for text in wanted)]
    with contextlib.ExitStack() as stack:
        elsewhere = stack.enter_context(origin.running())
        both = {servers.OURS: stack.enter_context(servers.ours(elsewhere, options.workers)),
                servers.PEER: stack.enter_context(servers.peer(python, elsewhere))}
        results = list(runner.run(cases, both, options))
    click.echo(report.table(results))
    if output:
        report.write(output, suite, results, options)
    sys.exit(not all(result.good for result in results))


if __name__ == '__main__':
    main()
