"""What happens when the disk, the database, the clock or the server itself fails.

The promises are in ``docs/explanation/faults.md``.
"""
