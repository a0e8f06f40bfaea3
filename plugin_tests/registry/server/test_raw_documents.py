"""Documents as the database sends them."""
import bson
import pytest

from slicer_package_manager.registry.server import raw_documents


@pytest.mark.parametrize('sizes', [[], [0], [0, 0, 0], [10, 0, 20_000]])
def test_batches_are_split_into_documents(sizes):
    documents = [bson.encode({'text': 'x' * size}) for size in sizes]
    assert list(raw_documents.split([b''.join(documents), b'', b''.join(documents)])) == documents * 2
