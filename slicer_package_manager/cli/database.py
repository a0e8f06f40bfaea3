"""Connection URIs of the database."""
from urllib.parse import parse_qsl, quote

# Acknowledged writes are on disk, and every read sees them, also on a replica set.
SAFE_OPTIONS = {'readPreference': 'primary', 'journal': 'true'}
DEFAULT_DATABASE = 'girder'


def socket_uri(path: str) -> str:
    """The URI of the MongoDB that listens on the socket file ``path``."""
    return completed(f'mongodb://{quote(path, safe="")}')


def completed(uri: str) -> str:
    """Add to ``uri`` the name of a database and the options of ``SAFE_OPTIONS`` that it lacks."""
    address, _, query = uri.partition('?')
    scheme, _, rest = address.partition('://')
    hosts, _, name = rest.partition('/')
    present = {key.lower() for key, _ in parse_qsl(query, keep_blank_values=True)}
    wanted = dict(SAFE_OPTIONS)
    if not name and '@' in hosts:
        # Without a name the credentials are those of `admin`, which naming a database would change.
        wanted['authSource'] = 'admin'
    added = [f'{key}={value}' for key, value in wanted.items() if key.lower() not in present]
    options = '&'.join(filter(None, [query, *added]))
    return f'{scheme}://{hosts}/{name or DEFAULT_DATABASE}' + (f'?{options}' if options else '')


def hosts_of(uri: str) -> str:
    """The part of ``uri`` that may be shown: its hosts, without credentials."""
    return uri.partition('://')[2].partition('?')[0].partition('/')[0].rpartition('@')[2]
