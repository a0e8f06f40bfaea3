"""Backups of a running server: all documents of its database, and the bytes of its files.

A restored server lists no package without its complete file, has no file document without bytes, counts downloads
correctly, and has the same ids. A backup is made in these steps:

1. A session reads the database as of one moment. MongoDB keeps the state of a moment for some minutes.
2. The documents of all files are read, and bytes that no earlier backup has are copied. Files in an assetstore are
   named by their checksum and objects in a bucket at random; neither ever changes.
3. If bytes are missing, their file may have been deleted or replaced since: all begins anew at step 1, with a later
   moment. Those that were missing already the time before are lost.
4. All documents are read. Files whose bytes are lost are left out, and packages state what is true of their files
   (``registry/schema/invariants.py``).
5. If MongoDB no longer has the state of the moment, all begins anew at step 1. What was copied is not copied again, so
   the next round is short. After some rounds the backup is given up.
6. The manifest is written last. A backup gets its name when all its files are synced to the disk.
"""
