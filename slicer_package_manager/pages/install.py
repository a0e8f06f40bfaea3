"""How to install an extension: commands to copy. Pure rules.

The functions are those of Slicer's extensions manager, from version 5.0 on:
https://slicer.readthedocs.io/en/latest/developer_guide/script_repository.html
"""
from __future__ import annotations

import json
import shlex
from typing import NamedTuple

_MANAGER = 'em = slicer.app.extensionsManagerModel()'


class Commands(NamedTuple):
    """Commands that install an extension.

    :param python: for the Python console of the application.
    :param shell: for containers and continuous integration, where there is no screen.
    """

    python: str
    shell: str


def commands(name: str, application: str) -> Commands:
    """The commands that install the extension ``name``, with all that it requires, into ``application``."""
    install = f'em.installExtensionFromServer({json.dumps(name)}, False)'
    python = f'{_MANAGER}\nem.interactive = False\nif not {install}:\n    raise RuntimeError("It was not installed.")'
    script = f'{_MANAGER}; em.interactive = False; slicer.util.exit(0 if {install} else 1)'
    return Commands(python, f'xvfb-run -a {shlex.quote(application)} --no-splash --no-main-window '
                            f'--python-code {shlex.quote(script)}')


def check(os: str, file_name: str, sha512: str) -> str:
    """The command that compares the SHA-512 of a downloaded file, on the operating system ``os``."""
    if os == 'win':
        return f'(Get-FileHash "{file_name}" -Algorithm SHA512).Hash -eq "{sha512}"'
    return f'echo "{sha512}  {file_name}" | {"shasum -a 512" if os == "macosx" else "sha512sum"} --check'
