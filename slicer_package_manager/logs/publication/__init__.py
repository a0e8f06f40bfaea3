"""Publish the statistics of a directory in a private repository of GitHub: what the command ``logs publish`` does.

1. Check that the repository is private.
2. Commit the daily files of all days that ended, their report and the manifest, as far as they differ from those in the
   repository, see :mod:`small_files`.
3. Replace the file for the dashboard, an asset of a release of its own, if it differs.
4. Add the raw logs to the release of their month, and delete those that are too old, see :mod:`raw_assets`.

Each step compares by checksums what is there, and does what is missing. So a process may be killed at any moment, and
the next one continues.
"""
