"""Badges for the README of a repository: SVG with a label and a message. Pure functions."""
from __future__ import annotations

from html import escape

GREEN, RED, GRAY = '#1a7f37', '#b42318', '#57606a'
#: The font of browsers without the named ones is no wider than this, in pixels for each character.
_CHARACTER, _PADDING, _HEIGHT = 6.6, 7, 20


def badge(label: str, message: str, color: str) -> bytes:
    """Draw a badge with white text, on gray for the label and on ``color`` for the message."""
    left, right = (round(len(text) * _CHARACTER + 2 * _PADDING) for text in (label, message))
    title = escape(f'{label}: {message}')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title><clipPath id="r"><rect width="{left + right}" '
        f'height="{_HEIGHT}" rx="3"/></clipPath><g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT}" '
        f'fill="#424a53"/><rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{color}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'{_text(label, left / 2, left)}{_text(message, left + right / 2, right)}</g></svg>').encode()


def _text(text: str, middle: float, width: int) -> str:
    # The length is set, so that the text fits whatever font the browser has.
    return (f'<text x="{middle:g}" y="14" textLength="{width - 2 * _PADDING}" lengthAdjust="spacingAndGlyphs">'
            f'{escape(text)}</text>')
