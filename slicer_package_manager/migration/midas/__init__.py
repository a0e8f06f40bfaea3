"""The import of the data of a MIDAS server, from its restored database and the directories of its files.

1. Each table is read once, whole, and joined in memory (:mod:`tables`, :mod:`data`). No join is left to the database.
2. Rows become folders, items and files of one application (:mod:`places`, :mod:`documents`), as an older server would
   have them. From there on it is the same migration: :mod:`trees` and what it uses.
3. What the addresses of MIDAS name is recorded as aliases (:mod:`aliases`), which are kept for good.
4. What has no place here is counted, and named in the report (:mod:`leftovers`).

:mod:`run` has the order.
"""
