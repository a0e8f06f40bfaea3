"""Links to servers on the loopback interface, which no policy of the server itself allows."""
from urllib.parse import urlsplit

from slicer_package_manager.registry.links.policy import Policy, Target


class Loopback(Policy):
    """The strict policy, but for ``origins`` such as ``http://127.0.0.1:8123``: links to those are allowed."""

    def __init__(self, *origins):
        self.origins = origins

    def _is_one(self, url):
        return '/'.join(url.split('/')[:3]) in self.origins

    def problem(self, url, hosts):
        return None if self._is_one(url) else super().problem(url, hosts)

    def target(self, url):
        return Target(url, {'Host': urlsplit(url).netloc}, None) if self._is_one(url) else super().target(url)


def origin(httpserver):
    """The origin of a server of ``pytest-httpserver``."""
    return httpserver.url_for('').rstrip('/')
