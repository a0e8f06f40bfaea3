"""The table of all checks, in the order in which they are made: what is mended by one may be what another needs."""
from slicer_package_manager.doctor import document_schema, file_bytes, packages, server
from slicer_package_manager.doctor.findings import Check

CHECKS = (
    Check('writable', 'the database takes writes', server.writable),
    Check('clock', 'this machine and the database agree on the time', server.clock),
    Check('settings', 'settings are usable and go together', server.contradicting_settings),
    Check('assetstores', 'new files can be stored, and there is room', server.assetstores),
    Check('documents', 'documents have what all of their sort have', document_schema.broken),
    Check('counts', 'download counts are numbers, one for each thing and day', file_bytes.counts),
    Check('sums', 'the sums of download counts are those of the counts', file_bytes.sums),
    Check('duplicates', 'no two things share what only one may have', packages.duplicates),
    Check('indexes', 'all indexes are there', server.missing_indexes),
    Check('registrations', 'folders and items are registered as what they are by their place', packages.registrations),
    Check('files', 'each package has one file, and tells the truth about it', packages.told),
    Check('without-files', 'packages have got their files', packages.without_files),
    Check('orphans', 'everything lies in something', packages.orphans),
    Check('bytes', 'the bytes of all files are there', file_bytes.lost),
    Check('checksums', 'files have the bytes that their checksums tell', file_bytes.changed),
    Check('replaced', 'files that were replaced are removed in time', file_bytes.retired),
    Check('uploads', 'no uploads stopped half-way', file_bytes.uploads),
    Check('unused', 'files speak of all bytes in the assetstores', file_bytes.unused),
)
