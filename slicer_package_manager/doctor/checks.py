"""The table of all checks, in the order in which they are made: what is mended by one may be what another needs."""
from slicer_package_manager.doctor import server, shapes, stored, things
from slicer_package_manager.doctor.findings import Check

CHECKS = (
    Check('writable', 'the database takes writes', server.writable),
    Check('clock', 'this machine and the database agree on the time', server.clock),
    Check('settings', 'settings are usable and go together', server.contradicting_settings),
    Check('assetstores', 'new files can be stored, and there is room', server.assetstores),
    Check('documents', 'documents have what all of their sort have', shapes.broken),
    Check('counts', 'download counts are numbers, one for each thing and day', stored.counts),
    Check('sums', 'the sums of download counts are those of the counts', stored.sums),
    Check('duplicates', 'no two things share what only one may have', things.duplicates),
    Check('indexes', 'all indexes are there', server.missing_indexes),
    Check('registrations', 'folders and items are registered as what they are by their place', things.registrations),
    Check('files', 'each package has one file, and tells the truth about it', things.told),
    Check('without-files', 'packages have got their files', things.without_files),
    Check('orphans', 'everything lies in something', things.orphans),
    Check('bytes', 'the bytes of all files are there', stored.lost),
    Check('checksums', 'files have the bytes that their checksums tell', stored.changed),
    Check('replaced', 'files that were replaced are removed in time', stored.retired),
    Check('uploads', 'no uploads stopped half-way', stored.uploads),
    Check('unused', 'files speak of all bytes in the assetstores', stored.unused),
)
