"""Backups of a running server: all documents of its database, and the bytes of its files.

A restored server lists no package without its complete file, has no file document without bytes, counts downloads
correctly, and has the same ids.

On a replica set MongoDB can read all collections as of one moment, for some minutes, and the backup does so where it
can. A standalone MongoDB has neither that nor transactions. Therefore a backup is made in these steps:

1. Collections are read from the leaves up: files, items, folders, collections, then the rest. Girder creates a parent
   before its children and deletes the children first. So a child whose parent was not read is one that was being
   deleted or moved in between. In the other order it could as well be a new one.
2. Each document is read once, in the order of ids, which never change.
3. Documents that violate an invariant (``registry/schema/invariants.py``) are read again until they do not. Those that
   are deleted by then are left out.
4. Then the bytes are copied. Files in an assetstore are named by their checksum and objects in a bucket at random;
   neither ever changes. A replaced file stays for some minutes. The documents of bytes that are missing are read
   again, as in 3.
5. Counts of downloads refer to no other document and change by single writes, so that any count read is consistent.
6. The manifest is written last. A backup gets its name when all its files are synced to the disk.
"""
