"""Text in files that editors and shells of all systems write."""
from __future__ import annotations

import codecs

_BOMS = ((codecs.BOM_UTF16_LE, 'utf-16'), (codecs.BOM_UTF16_BE, 'utf-16'))


def decoded(data: bytes) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, or otherwise Windows-1252.

    Notepad writes a byte order mark before UTF-8, and ``>`` in Windows PowerShell 5.1 writes UTF-16.

    :raises ValueError: it is no text.
    """
    data = data.removeprefix(codecs.BOM_UTF8)  # an editor may have saved Latin-1 behind it
    named = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)
    if named:
        return data.decode(named)
    if b'\0' in data:
        raise ValueError('it is no text')
    for encoding in ('utf-8', 'cp1252'):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode('latin-1')
