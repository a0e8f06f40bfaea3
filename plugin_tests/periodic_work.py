"""What servers repeat in the background, which in tests would happen between any two steps."""

#: Longer than any run of the tests, in seconds.
_NEVER = 24 * 3600


def postpone():
    """Let a server that starts in this process do its periodic work once, at its start."""
    from slicer_package_manager.registry.downloads import counter
    from slicer_package_manager.registry.news import history
    from slicer_package_manager.registry.storage import uploads
    from slicer_package_manager.registry.webhooks import delivery
    for module in counter, uploads, history, delivery:
        module._PAUSE = _NEVER
