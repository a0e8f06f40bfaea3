"""Backups of a server while it runs: all documents of its database and the bytes of its files.

What a restored server promises: it lists no package without its whole file, no document of a file points to missing
bytes, counts are whole, and all ids are the same.

A standalone MongoDB has neither transactions nor reads of one moment for several collections, so that a live
database cannot be read as it was at one instant. On a replica set it can, for some minutes, and then is. Either way:

1. Collections are read from the leaves up: files, items, folders, collections, then the rest. Girder makes a parent
   before its children and deletes the children before their parent. So a child whose parent was not read is one that
   was being deleted, or moved, while we were reading. In the other order nobody could tell it from a new one.
2. Each document is read once, in the order of ids, which never change.
3. What does not fit together (a child without its parent, a package whose file is not the one that it tells of, or
   whose place is not that of its folder) is read again, until it fits. What is gone by then is left out.
4. Then the bytes are copied. Files in an assetstore are named by their checksum, objects in a bucket at
   random, and neither ever changes. A replaced file
   stays for some minutes; what was deleted meanwhile is read again, as in 3.
5. Counts of downloads refer to nothing and change by single writes: whatever is read of them is whole.

The manifest is written last, and a backup has its name only when everything is on the disk.
"""
