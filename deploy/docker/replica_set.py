"""Create a replica set of MongoDB servers, or add missing members to it. Idempotent.

    python replica_set.py mongo1:27017 [mongo2:27017 mongo3:27017]

The first member exists from the beginning. The program exits when the set has a primary.
"""
import sys
import time

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

NAME = 'slicer-packages'
PATIENCE = 120
_NOT_INITIALIZED = 94


def ensure(members: list[str]) -> None:
    """Ensure that the replica set ``NAME`` has ``members``, given as host:port; it keeps any other members.

    :raises PyMongoError: a member does not answer, or refuses.
    """
    patience = f'serverSelectionTimeoutMS={PATIENCE * 1000}'
    with MongoClient(f'mongodb://{members[0]}/?directConnection=true&{patience}') as one:
        try:
            present = [member['host'] for member in one.admin.command('replSetGetConfig')['config']['members']]
        except OperationFailure as error:
            if error.code != _NOT_INITIALIZED:
                raise
            one.admin.command('replSetInitiate', {'_id': NAME, 'members': [{'_id': 0, 'host': members[0]}]})
            present = members[:1]
    # From here on, the driver finds the primary.
    with MongoClient(f'mongodb://{",".join(present)}/?replicaSet={NAME}&{patience}') as primary:
        for member in members:
            if member not in present:
                add(primary, member)
        primary.admin.command('ping')


def add(primary: MongoClient, member: str) -> None:
    """Add ``member`` to the replica set; MongoDB accepts one at a time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        config = primary.admin.command('replSetGetConfig')['config']
        config['version'] += 1
        config['members'].append({'_id': max(one['_id'] for one in config['members']) + 1, 'host': member})
        try:
            primary.admin.command('replSetReconfig', config)
        except PyMongoError:
            # The previous member is still joining, or this one does not answer yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


if __name__ == '__main__':
    if len(sys.argv) < 2:  # noqa: PLR2004 - the program and at least one member
        sys.exit(__doc__)
    try:
        ensure(sys.argv[1:])
    except PyMongoError as failure:
        sys.exit(f'The replica set of {", ".join(sys.argv[1:])} cannot be created: {failure}')
