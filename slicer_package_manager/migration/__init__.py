"""Migrations from older servers.

One design for all sources:

1. Read the source, which is never written to (:mod:`girder_database`).
2. Decide on each folder, item and file by pure rules (:mod:`rules`). What the rules of today would refuse is mended or
   set aside, and named in the report (:mod:`notes`). Nothing is deleted.
3. Take the bytes of files, and compare them with what the source states (:mod:`contents`).
4. Write what differs, and nothing over what was changed here (:mod:`writer`). An application shows when all of it is
   here, and changes of one that shows already do so together.

All of it can be repeated: a run that was killed, or one with new documents at the source, continues where the one
before has ended. :mod:`run` has the order.
"""
