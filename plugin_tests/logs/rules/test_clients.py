"""Classes of clients."""
import pytest

from slicer_package_manager.logs.rules.clients import of_agent
from slicer_package_manager.logs.rules.vocabulary import CLASSES

_WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'


@pytest.mark.parametrize(('agent', 'kind', 'system'), [
    ('Mozilla/5.0', 'slicer', 'unknown'),
    (f'Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} QtWebEngine/5.15.2 Chrome/87.0 Safari/537.36 Slicer/5.8.1', 'slicer',
     'linux'),
    (f'Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/129.0.0.0 Safari/537.36', 'browser', 'win'),
    ('Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:130.0) Gecko/20100101 Firefox/130.0', 'browser', 'macosx'),
    ('Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0', 'browser', 'linux'),
    (f'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Version/17.5 Safari/604.1', 'browser', 'ios'),
    (f'Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/129.0.0.0 Mobile Safari/537.36', 'browser', 'android'),
    ('curl/8.5.0', 'command line', 'unknown'), ('Wget/1.21.4 (linux-gnu)', 'command line', 'linux'),
    ('aria2/1.36.0', 'command line', 'unknown'), ('python-requests/2.31.0', 'command line', 'unknown'),
    ('Go-http-client/2.0', 'command line', 'unknown'), ('slicer-package-manager-client/1.0', 'command line', 'unknown'),
    ('Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4522', 'command line', 'win'),
    ('Homebrew/4.3.0 (Macintosh; arm64 Mac OS X 14.5) curl/8.6.0', 'package manager', 'macosx'),
    ('chocolatey command line', 'package manager', 'unknown'), ('Nix/2.18.1', 'package manager', 'unknown'),
    ('Scoop/1.0 (+http://scoop.sh/) PowerShell/5.1', 'package manager', 'unknown'),
    ('Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'robot', 'unknown'),
    ('GPTBot/1.0 (+https://openai.com/gptbot)', 'robot', 'unknown'), ('facebookexternalhit/1.1', 'robot', 'unknown'),
    ('UptimeRobot/2.0', 'robot', 'unknown'), ('-', 'unknown', 'unknown'), ('', 'unknown', 'unknown'),
    ('x' * 100_000, 'unknown', 'unknown')])
def test_a_client_is_known_by_its_user_agent(agent, kind, system):
    assert of_agent(agent) == (kind, system)
    assert kind in CLASSES
