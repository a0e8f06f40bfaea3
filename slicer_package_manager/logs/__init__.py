"""Statistics from the logs of web servers: which packages were downloaded, where to, and by which programs.

1. :mod:`statistics` has the whole work in a directory of statistics, whose layout :mod:`place` has.
2. :mod:`reading` reads files, :mod:`ledger` knows which of their contents were read before, and :mod:`ingest` has the
   rest read by :mod:`engine`, so that each line counts once. What is kept of a line has no address and no user agent.
3. :mod:`daily` makes the daily files from these records, with the :mod:`facts` of all files that were ever published.
   :mod:`manifest` and :mod:`dashboard` describe them for people and programs.
4. :mod:`days` deletes the records and the salt of days that are final.
5. :mod:`check` compares the daily files with the server's own counts, and :mod:`report` shows them.

``rules`` has what is decided: formats, addresses, classes of clients, what counts, and what is not published. Nothing
here needs Girder or a database, except that the facts come from one.
"""
