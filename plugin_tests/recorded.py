"""What the server's own calls wrote once, written again for each test: inserting documents is far quicker."""
from bson import ObjectId


class Recorder:
    """The documents that a few steps wrote into the empty ``database`` with an assetstore at ``root``.

    Each test gets documents with new ids, so nothing that an earlier test left in memory or writes late concerns it.
    """

    def __init__(self, database, root):
        self._database = database
        self._root = str(root)
        self._steps = {}
        self._replaced = {}

    def record(self, step, make):
        """Have ``make`` write into the database, and return what it returns."""
        before = self._documents()
        result = make()
        written = {name: [one for one in documents if one not in before.get(name, ())]
                   for name, documents in self._documents().items()}
        self._steps[step] = result, {name: documents for name, documents in written.items() if documents}
        return result

    def _documents(self):
        # The data version is bumped instead.
        return {name: list(self._database[name].find())
                for name in self._database.list_collection_names() if name != 'slicer_package_change'}

    def begin(self, root):
        """Have the next steps write into the database, which is empty again, with the assetstore at ``root``."""
        root.mkdir()
        self._replaced = {self._root: str(root)}

    def repeat(self, step):
        """Write the documents of a step, each with another id, and return what the step returned, with these ids."""
        from slicer_package_manager.registry.server import data_version
        result, written = self._steps[step]
        for old in (one['_id'] for documents in written.values() for one in documents):
            new = ObjectId()
            self._replaced.update({old: new, str(old): str(new)})
        for name, documents in written.items():
            self._database[name].insert_many(self._current(documents))
        data_version.announce()
        return self._current(result)

    def _current(self, value):
        if isinstance(value, dict):
            return {key: self._current(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._current(one) for one in value]
        return self._replaced.get(value, value)
