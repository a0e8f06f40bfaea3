"""Connection URIs of the database."""
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from slicer_package_manager.registry.server import environment

# Acknowledged writes are on disk, and every read sees them, also on a replica set.
SAFE_OPTIONS = {'readPreference': 'primary', 'journal': 'true'}
#: How long a database that runs already, and one that is started, has for a first answer, in seconds.
ANSWER_SECONDS, START_SECONDS = 15.0, 300.0
# No request waits longer for the database than that, in milliseconds; a replica set chooses another primary sooner.
BOUNDED = {'timeoutMS': str(environment.DATABASE_SECONDS * 1000)}
DEFAULT_DATABASE = 'girder'


def socket_uri(path: str) -> str:
    """The URI of the MongoDB that listens on the socket file ``path``."""
    return completed(f'mongodb://{quote(path, safe="")}')


def completed(uri: str, options: Mapping[str, str] = SAFE_OPTIONS) -> str:
    """Add to ``uri`` the name of a database and those of the ``options`` that it lacks."""
    address, _, query = uri.partition('?')
    scheme, _, rest = address.partition('://')
    hosts, _, name = rest.partition('/')
    present = {key.lower() for key, _ in parse_qsl(query, keep_blank_values=True)}
    wanted = dict(options)
    if not name and '@' in hosts:
        # Without a name the credentials are those of `admin`, which naming a database would change.
        wanted['authSource'] = 'admin'
    added = [f'{key}={value}' for key, value in wanted.items() if key.lower() not in present]
    parameters = '&'.join(filter(None, [query, *added]))
    return f'{scheme}://{hosts}/{name or DEFAULT_DATABASE}' + (f'?{parameters}' if parameters else '')


def patience(uri: str, seconds: float) -> float:
    """Seconds to wait for a first answer: what ``uri`` says by serverSelectionTimeoutMS, else ``seconds``."""
    given = {key.lower(): value for key, value in parse_qsl(uri.partition('?')[2])}
    milliseconds = given.get('serverselectiontimeoutms', '')
    return int(milliseconds) / 1000 if milliseconds.isdecimal() else seconds


def hosts_of(uri: str) -> str:
    """The part of ``uri`` that may be shown: its hosts, without credentials."""
    return uri.partition('://')[2].partition('?')[0].partition('/')[0].rpartition('@')[2]
