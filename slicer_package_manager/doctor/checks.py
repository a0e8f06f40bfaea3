"""The table of all checks, in the order in which they run: one may repair what the next one relies on."""
from collections.abc import Iterator

from slicer_package_manager.doctor import (
    aliases,
    attestations,
    document_schema,
    download_counts,
    file_bytes,
    packages,
    publishers,
    readmes,
    registrations,
    server,
    sizes,
)
from slicer_package_manager.doctor.findings import Check, Finding, Options
from slicer_package_manager.registry.storage import stores

CHECKS = (
    Check('writable', 'the database accepts writes', server.writable),
    Check('clock', 'this machine and the database agree on the time', server.clocks),
    Check('settings', 'settings are valid and do not contradict each other', server.contradicting_settings),
    Check('assetstores', 'files can be stored, and there is room', server.assetstores),
    Check('documents', 'documents have all required fields', document_schema.damaged),
    Check('counts', 'download counts are numbers, one for each package and day', download_counts.wrong_counts),
    Check('sums', 'the sums of download counts are those of the counts', download_counts.wrong_sums),
    Check('duplicates', 'identities are unique', registrations.duplicates),
    Check('indexes', 'all indexes exist', server.missing_indexes),
    Check('registrations', 'folders and items are registered according to their place',
          registrations.wrong_registrations),
    Check('files', 'each package has one file, and agrees with it', packages.contradictions),
    Check('sizes', 'folders and collections have the size of their items', sizes.wrong_sizes),
    Check('without-files', 'packages have a file', packages.without_files),
    Check('orphans', 'all documents have their parent', registrations.orphans),
    Check('aliases', 'each alias of MIDAS leads to what exists', aliases.dangling),
    Check('publishers', 'publishers can upload', publishers.unusable),
    Check('attestations', 'each attestation is about the file of a package', attestations.lost),
    Check('readmes', 'each README is that of an extension', readmes.unused),
    Check('bytes', 'the bytes of all files exist', file_bytes.lost),
    Check('checksums', 'the bytes of files have the checksums of the files', file_bytes.changed),
    Check('replaced', 'replaced files are removed in time', file_bytes.replaced),
    Check('uploads', 'no upload has stopped', file_bytes.uploads),
    Check('unused', 'all bytes in the assetstores belong to a file', file_bytes.unused),
)


def run(options: Options) -> Iterator[tuple[Check, Finding]]:
    """Run all checks, and yield each finding before the next is sought, so that it can be repaired.

    :raises PyMongoError, OSError: the database or a disk cannot be reached.
    """
    stores.register()  # repairs remove files through Girder's models, without the plugin
    for check in CHECKS:
        for finding in check.findings(options):
            yield check, finding
