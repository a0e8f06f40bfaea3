"""The collection for the lock of the bootstrap and for attempts to write. It is always empty, and in no backup."""

COLLECTION = 'slicer_package_manager_bootstrap'
