"""Connection URIs of the database."""
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from slicer_package_manager.registry.server import environment

# Writes are acknowledged when they are on disk, and every read sees them, also on a replica set.
SAFE_OPTIONS = {'readPreference': 'primary', 'journal': 'true'}
#: The name of the embedded replica set, in the data directory and in the arguments of mongod.
REPLICA_SET = 'embedded'
# The only member of a replica set is connected to directly, since nothing else is at the address by which the set knows
# it. It is the majority too; waiting for that takes twice as long as for the disk.
EMBEDDED = {'directConnection': 'true', 'w': '1'}
#: The time in seconds for the first answer of a running database, and of one that is starting.
ANSWER_SECONDS, START_SECONDS = 15.0, 300.0
# The longest wait for the database, in milliseconds; a replica set elects another primary sooner.
BOUNDED = {'timeoutMS': str(environment.DATABASE_SECONDS * 1000)}
DEFAULT_DATABASE = 'girder'


def socket_uri(path: str) -> str:
    """The URI of the embedded MongoDB, which listens on the socket file ``path``."""
    return completed(f'mongodb://{quote(path, safe="")}', {**SAFE_OPTIONS, **EMBEDDED})


def completed(uri: str, options: Mapping[str, str] = SAFE_OPTIONS) -> str:
    """Add to ``uri`` the name of a database and the ``options`` that it lacks."""
    address, _, query = uri.partition('?')
    scheme, _, rest = address.partition('://')
    hosts, _, name = rest.partition('/')
    present = {key.lower() for key, _ in parse_qsl(query, keep_blank_values=True)}
    wanted = dict(options)
    if not name and '@' in hosts:
        # Without a name the credentials are checked in `admin`; naming a database would change that.
        wanted['authSource'] = 'admin'
    added = [f'{key}={value}' for key, value in wanted.items() if key.lower() not in present]
    parameters = '&'.join(filter(None, [query, *added]))
    return f'{scheme}://{hosts}/{name or DEFAULT_DATABASE}' + (f'?{parameters}' if parameters else '')


def patience(uri: str, seconds: float) -> float:
    """The time in seconds for the first answer: ``serverSelectionTimeoutMS`` of ``uri``, else ``seconds``."""
    given = {key.lower(): value for key, value in parse_qsl(uri.partition('?')[2])}
    milliseconds = given.get('serverselectiontimeoutms', '')
    return int(milliseconds) / 1000 if milliseconds.isdecimal() else seconds


def hosts_of(uri: str) -> str:
    """The hosts of ``uri`` for messages, without credentials."""
    return uri.partition('://')[2].partition('?')[0].partition('/')[0].rpartition('@')[2]
