"""Operating system and architectures of programs and libraries, by their first bytes.

Sources: System V ABI (ELF header), ``mach-o/loader.h`` and ``mach-o/fat.h`` of Darwin, Microsoft PE Format.
"""
from __future__ import annotations

import struct

#: Bytes from which the header can be read: PE files have theirs after a program for DOS.
HEAD = 4096
_ELF = {0x03: 'i386', 0x3E: 'amd64', 0xB7: 'arm64'}
_MACH_O = {0x7: 'i386', 0x01000007: 'amd64', 0x0100000C: 'arm64'}
_PE = {0x014C: 'i386', 0x8664: 'amd64', 0xAA64: 'arm64'}
#: A universal binary has a few architectures; a Java class, which begins alike, has a version of 45 or more there.
_MOST_ARCHITECTURES = 20
_OTHER = 'other'


def systems(head: bytes) -> tuple[str, frozenset[str]] | None:
    """Return the operating system and the architectures of a binary that begins with ``head``; ``None`` for others."""
    try:
        if head[:4] == b'\x7fELF':
            order = '<' if head[5] == 1 else '>'
            return 'linux', frozenset({_ELF.get(struct.unpack_from(f'{order}H', head, 18)[0], _OTHER)})
        if head[:4] in {b'\xcf\xfa\xed\xfe', b'\xce\xfa\xed\xfe'}:
            return 'macosx', frozenset({_MACH_O.get(struct.unpack_from('<I', head, 4)[0], _OTHER)})
        if head[:4] == b'\xca\xfe\xba\xbe':
            return _universal(head)
        return _windows(head) if head[:2] == b'MZ' else None
    except (struct.error, IndexError):
        return None


def _universal(head: bytes) -> tuple[str, frozenset[str]] | None:
    count = struct.unpack_from('>I', head, 4)[0]
    if not 0 < count < _MOST_ARCHITECTURES:
        return None
    return 'macosx', frozenset(_MACH_O.get(struct.unpack_from('>I', head, 8 + 20 * number)[0], _OTHER)
                               for number in range(count))


def _windows(head: bytes) -> tuple[str, frozenset[str]] | None:
    start = struct.unpack_from('<I', head, 0x3C)[0]
    if head[start:start + 4] != b'PE\0\0':
        return None
    return 'win', frozenset({_PE.get(struct.unpack_from('<H', head, start + 4)[0], _OTHER)})
