"""Documents as the database sends them (BSON), which is cheaper than objects where most are as they were before."""
from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

#: The size at the beginning of each document (https://bsonspec.org).
_SIZE = struct.Struct('<i')


def split(batches: Iterable[bytes]) -> Iterator[bytes]:
    """The documents in ``batches`` of pymongo's ``find_raw_batches``."""
    for batch in batches:
        start = 0
        while start < len(batch):
            stop = start + _SIZE.unpack_from(batch, start)[0]
            yield batch[start:stop]
            start = stop
