"""A database in memory for Girder's models, for contributors without a mongod."""
import functools

import bson.codec_options
import mongomock
import pymongo


def database(model_base):
    """An empty database in memory, which the models are connected to."""
    if model_base.CodecOptions is bson.codec_options.CodecOptions:
        pymongo.MongoClient = functools.partial(mongomock.MongoClient, tz_aware=True)  # also for joined collections
        # mongomock knows time zones only in general.
        model_base.CodecOptions = lambda **_: bson.codec_options.CodecOptions(tz_aware=True)
        from slicer_package_manager.registry.server import transactions
        # The collections are mongomock's, which has no transactions.
        transactions.join = lambda *_: None
        transactions.run = lambda work, **_: work()
        transactions.find_for_update = lambda model, query: model.findOne(query)
    from girder.models import getDbConnection
    from girder.utility.config import getConfig
    getConfig()['database']['uri'] = 'mongodb://in-memory/girder'
    found = getDbConnection(quiet=True).get_database()
    for name in found.list_collection_names():
        found[name].delete_many({})
    return found
