"""Add a README to an extension, and read it: Markdown, which pages show as safe HTML (:mod:`schema.readmes`)."""
from __future__ import annotations

from functools import partial

from slicer_package_manager.registry.catalog import packages
from slicer_package_manager.registry.schema import readmes as rules
from slicer_package_manager.registry.schema.errors import Invalid, NotFound, TooLarge
from slicer_package_manager.registry.server import transactions, write_gate
from slicer_package_manager.registry.tree import readmes
from slicer_package_manager.registry.tree.types import PackageItem


def describe(item: PackageItem, content: bytes) -> int:
    """Store ``content`` as the README of ``item``, in place of an earlier one; without content, remove that.

    :returns: the length of the stored text, in characters.
    :raises TooLarge: it has more bytes than :data:`rules.LARGEST`.
    :raises Invalid: it is no text in UTF-8.
    """
    if len(content) > rules.LARGEST:
        raise TooLarge(f'The README has more than {rules.LARGEST} bytes.')
    try:
        text = rules.cleaned(content)
    except ValueError as error:
        raise Invalid([('readme', str(error))]) from None
    write_gate.require()
    transactions.run(partial(readmes.put, item['_id'], text), turn=item['_id'])
    return len(text)


def read(item: PackageItem) -> str:
    """Return the README of ``item``, as Markdown.

    :raises NotFound: it has none, or it has no file yet.
    """
    packages.file_of(item)
    text = readmes.of_item(item)
    if not text:
        raise NotFound(f'"{item["name"]}" has no README.')
    return text
