"""The visitor's computer, as its browser states it in the header ``User-Agent``."""
from __future__ import annotations

import cherrypy


def agent() -> str:
    """The header ``User-Agent`` of the current request."""
    return str(cherrypy.request.headers.get('User-Agent', ''))


def system(agent: str) -> str:
    """The operating system; Linux if the browser states none that there are builds for."""
    if 'Windows' in agent:
        return 'win'
    return 'macosx' if 'Macintosh' in agent or 'Mac OS X' in agent else 'linux'


def known_system(agent: str) -> str:
    """The operating system; empty if the browser states none that there are builds for, such as that of a telephone."""
    if any(one in agent for one in ('Android', 'iPhone', 'iPad', 'CrOS')):
        return ''
    return system(agent) if any(one in agent for one in ('Windows', 'Mac OS X', 'Linux')) else ''


def is_in_slicer(agent: str) -> bool:
    """Whether the browser is one that applications embed, such as that of Slicer.

    Qt reports a page with an error status as one that could not be loaded, and Slicer then shows a message of its own.
    """
    return 'QtWebEngine' in agent
