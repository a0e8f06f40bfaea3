"""A report of downloads: one page of HTML with plots and tables, which loads nothing, and a CSV and a PNG of each plot.

1. :mod:`create` makes the report of a period from the daily files, which suffice: no database is needed.
2. :mod:`daily_files` opens these, :mod:`tables` and :mod:`movement` query them, and :mod:`comparison` reads what
   ``logs check`` has saved.
3. :mod:`sections` has the parts of the report in their order: each has a table, its definition and its plot.
4. :mod:`plots` and :mod:`world` draw, :mod:`images` turns drawings into files, and :mod:`page` makes the page.

Each number in a report follows from the daily files by a query in ``docs/reference/statistics-files.md``.
"""
