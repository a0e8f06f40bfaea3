"""Which revision and which file of an item readers got from MIDAS."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: Ends of the names of packages of Slicer: archives, installers, disk images.
_PACKAGE = re.compile(r'\.(?:tar\.(?:gz|bz2|xz)|tgz|zip|7z|exe|msi|dmg|pkg|deb|rpm|sh|run)$', re.IGNORECASE)
_LINK = re.compile('https?://', re.IGNORECASE)


class Bitstream(NamedTuple):
    """A file of MIDAS: a row of the table ``bitstream``.

    :param checksum: the MD5 in lower case; empty if none is stated.
    :param path: in its assetstore, or the URL of a link.
    """

    id: int
    revision: int
    name: str
    size: int
    checksum: str
    path: str
    store: int
    mimetype: str

    @property
    def is_link(self) -> bool:
        """Whether it only refers to a URL."""
        return _LINK.match(self.path) is not None

    @property
    def file_name(self) -> str:
        """The name of the file; that of a link is its URL."""
        if not self.is_link:
            return self.name
        return self.path.partition('?')[0].rstrip('/').rpartition('/')[2]


class Revision(NamedTuple):
    """A revision of an item: a row of the table ``itemrevision``.

    :param number: counts the revisions of the item.
    :param changes: the revision of the sources, if the item is an extension.
    """

    id: int
    item: int
    number: int
    date: object
    user: int
    changes: str


class Files(NamedTuple):
    """The files of an item.

    :param last: the revision that readers got; ``None`` if there is none.
    :param main: the file that stands for the item; ``None`` if the revision has none.
    :param others: of the last revision.
    :param older: the other revisions, each with its files.
    """

    last: Revision | None
    main: Bitstream | None
    others: list[Bitstream]
    older: list[tuple[Revision, list[Bitstream]]]


def of_item(revisions: Iterable[tuple[Revision, Sequence[Bitstream]]], *, is_extension: bool) -> Files:
    """Sort the files of an item: the last revision is the one with the greatest number, whatever its id."""
    ordered = sorted(((one, sorted(files)) for one, files in revisions), key=lambda one: (one[0].number, one[0].id))
    if not ordered:
        return Files(None, None, [], [])
    last, files = ordered.pop()
    main = _main(files, is_extension=is_extension)
    return Files(last, main, [one for one in files if one is not main], ordered)


def _main(files: Sequence[Bitstream], *, is_extension: bool) -> Bitstream | None:
    """The file for readers: MIDAS took the first one of an extension; of a package, it is the first that can be one."""
    candidates = files if is_extension else [one for one in files if one.is_link or _PACKAGE.search(one.name)]
    return next(iter(candidates or files), None)
