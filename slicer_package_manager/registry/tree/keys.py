"""Keys of the registration ``spm`` as queries, updates and indexes spell them; see :mod:`types` for their values."""
from slicer_package_manager.registry.server import item_writes

#: Of folders. ``REVISION`` is that of the application, ``RELEASE`` the name of the release.
ROLE = 'spm.role'
REVISION = 'spm.revision'
PROMOTED = 'spm.promoted'

#: Of folders and items. ``CHANNEL`` is the id of the folder of a release or draft.
APP = 'spm.app'
CHANNEL = item_writes.BUILD
DRAFT = 'spm.draft'
RELEASE = 'spm.release'

#: Of items. ``HAS_FILE`` is false until the package has a file.
PACKAGE_TYPE = 'spm.kind'
IDENTITY = 'spm.identity'
SEARCH = 'spm.search'
HAS_FILE = 'spm.ready'

#: Of extensions: the SHA-256 of the README, see :mod:`readmes`.
README = 'spm.readme'

#: Of items: what the MIDAS server stated about them, see :mod:`midas.facts`.
MIDAS = 'spm.midas'

#: Of files: when the file was detached from its item, and whether it was a replacement that waited.
DETACHED = 'spm.retired'
WAITED = 'spm.waited'
#: Of files that belong to an item beside the one that readers get, until someone deletes them or the item.
BESIDE = 'spm.beside'

#: Of files whose content is elsewhere: the checksum that its server published, as the link checker found it.
DIGEST = 'spm.digest'
#: What the last check has found wrong with a link: ``state``, ``reason`` and ``checked``.
LINK_CHECK = 'spm.link'

#: Of files: the run of a CI service that has uploaded the content, see :mod:`builds`.
BUILD = 'spm.build'
