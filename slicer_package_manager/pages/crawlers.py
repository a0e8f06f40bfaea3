"""What search engines request: ``/robots.txt`` and ``/sitemap.xml``."""
from __future__ import annotations

import cherrypy
from markupsafe import escape

from slicer_package_manager.pages import builds, extensions, listing
from slicer_package_manager.pages.addresses import Place
from slicer_package_manager.pages.application import application
from slicer_package_manager.rest.handlers import site

_ROBOTS = """User-agent: *
Disallow: {prefix}/admin
Disallow: {prefix}/api/
Disallow: {prefix}/bitstream/
Disallow: {prefix}/catalog/*?
Disallow: {prefix}/midas3/

Sitemap: {root}/sitemap.xml
"""


class Robots:
    """``/robots.txt``: what search engines should not request, and where the list of pages is."""

    exposed = True

    def GET(self) -> bytes:
        """Return the rules."""
        cherrypy.response.headers.update({'Content-Type': 'text/plain;charset=utf-8', 'Cache-Control': 'no-cache'})
        prefix = str(cherrypy.request.script_name).removesuffix('/robots.txt')
        return _ROBOTS.format(prefix=prefix, root=site.root()).encode()


class Sitemap:
    """``/sitemap.xml``: the pages of the default application, and of its extensions for the latest build."""

    exposed = True

    def GET(self) -> bytes:
        """Return the list; without a public application, there are no pages."""
        root, app = site.root(), application()
        pages = [(place, '') for place in ('', 'catalog', 'download', 'statistics', 'status')]
        latest = builds.latest(listing.all_builds(app), 'linux')
        if latest:
            system = max(latest.systems, key=lambda one: one.number)
            found = listing.read(app, Place('All', latest.revision, system.os, system.arch), listing.Choice())
            pages += [(Place(one.name).address({}), '') for one in extensions.categories(found.every)]
            pages += [(Place(extension=one.name).address({}), one.day) for one in found.every]
        cherrypy.response.headers.update({'Content-Type': 'application/xml', 'Cache-Control': 'no-cache'})
        urls = ''.join(f'<url><loc>{escape(f"{root}/{path}")}</loc>{day and f"<lastmod>{day}</lastmod>"}</url>\n'
                       for path, day in pages)
        return ('<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
                f'{urls}</urlset>\n').encode()
