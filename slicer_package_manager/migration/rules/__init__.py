"""The rules of migrations, which decide by plain values: no database, no files, no network.

Nothing that was listed and could be installed becomes unlisted, nothing is deleted, and every change has a note.
"""
