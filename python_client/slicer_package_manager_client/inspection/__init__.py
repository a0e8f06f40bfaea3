"""Rules for archives that are uploaded, which the client and the server share.

The server has this folder by a symbolic link, and its own package has a copy of the files. So they import only the
standard library and each other, by relative imports.
"""
