"""A MIDAS database with its assetstores, as the module for packages of Slicer fills them, with all that is unusual.

:class:`Midas` keeps the rows in memory, where most tests read them. :func:`statements` makes SQL of the same rows.
"""
import gzip
import hashlib
import io
import tarfile
import zipfile
from datetime import datetime, timedelta, timezone

from slicer_package_manager.migration.midas import tables

#: Dates as the driver reads them, without a time zone.
DAY = datetime(2013, 1, 5, 4, tzinfo=timezone.utc).replace(tzinfo=None)
ZERO = '0000-00-00 00:00:00'
#: How much earlier than the database the clock of the application was set.
SHIFT = timedelta(hours=5)
ANYONE, ADMINS = 0, -1
#: Columns that are read, and that older versions did not have.
NEW_COLUMNS = {tables.PACKAGE: {'productname', 'codebase', 'checkoutdate'}, tables.EXTENSION: {'enabled'}}
MISSING_TABLES = ('statistics_download',)


def through_latin1(text):
    """``text`` as it is read after its UTF-8 bytes went through a connection with another character set."""
    return ''.join(bytes([one]).decode('cp1252', errors='ignore') or chr(one) for one in text.encode())


def archive(depends, name='Ext', kind='tar'):
    """The archive of an extension with a description that states ``depends``."""
    text = f'scm git\nscmurl https://x.org\ndepends     {depends}\nbuild_subdirectory .\n'.encode()
    path = f'Slicer-x/share/Slicer-4.2/{name}.s4ext'
    target = io.BytesIO()
    if kind == 'zip':
        with zipfile.ZipFile(target, 'w') as found:
            found.writestr(zipfile.ZipInfo(path), text)  # without the time, so that the bytes are the same again
        return target.getvalue()
    with gzip.GzipFile(fileobj=target, mode='wb', mtime=0) as packed, tarfile.open(fileobj=packed, mode='w') as found:
        for member, content in (('Slicer-x/lib/library.so', b'library'), (path, text)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            found.addfile(info, io.BytesIO(content))
    return target.getvalue()


class Midas:
    """The tables of a MIDAS database; files go to the directories ``root/1``, ``root/2`` and so on.

    :param old: have the tables and columns of version 3.2.8.
    """

    def __init__(self, root, *, old=False):
        self.root, self.old, self.number = root, old, 0
        self.tables = {name: [] for name in (*tables.COLUMNS, *tables.LEFT_OUT)}
        self.tables['setting'] = []
        for number, kind in ((1, 0), (2, 0), (3, 1)):
            self.add('assetstore', assetstore_id=number, name=f'store {number}', path=f'/dead/{number}', type=kind)
            (root / str(number)).mkdir(parents=True)

    # As :class:`tables.Tables`

    def columns(self, table):
        if self.old and table in MISSING_TABLES:
            return set()
        return set(tables.COLUMNS.get(table, ())) - (NEW_COLUMNS.get(table, set()) if self.old else set())

    def rows(self, table):
        there = self.columns(table)
        for row in self.tables[table] if there else ():
            yield {key: row.get(key) if key in there else None for key in tables.COLUMNS[table]}

    def count(self, table):
        return len(self.tables.get(table, ()))

    # Rows

    def add(self, table, **values):
        self.tables[table].append(values)
        return values

    def moment(self):
        """Later than all before, as the application stores it."""
        self.number += 1
        return DAY + timedelta(minutes=self.number)

    def user(self, number, first='Ann', last='Bee', email=None, *, admin=0):
        return self.add('user', user_id=number, firstname=first, lastname=last,
                        email=f'user{number}@example.org' if email is None else email, admin=admin, creation=DAY)

    def folder(self, number, parent, name='Data', *items):
        self.add('folder', folder_id=number, parent_id=parent, name=name)
        for item in items:
            self.add('item2folder', item_id=item, folder_id=number)

    def item(self, number, name=None, *, public=True, files=(), user=1, downloads=0, created=None):
        """An item with one revision that has ``files``, each a name and its content."""
        created = self.moment() if created is None else created
        self.add('item', item_id=number, name=name or f'item {number}', date_creation=created, download=downloads)
        if public:
            self.add('itempolicygroup', item_id=number, group_id=ANYONE, policy=0)
        self.add('itempolicygroup', item_id=number, group_id=ADMINS, policy=2)
        if created != ZERO:
            self.add('itempolicyuser', item_id=number, date=created + SHIFT, policy=2)
        for one in files and [files]:
            self.revision(number, 1, one, user=user)
        return number

    def revision(self, item, number, files=(), *, user=1, identifier=None):
        identifier = identifier or 10 * item + number
        self.add('itemrevision', itemrevision_id=identifier, item_id=item, revision=number, date=self.moment(),
                 user_id=user, changes='abc')
        for name, content in files:
            self.bitstream(identifier, name, content)
        return identifier

    def bitstream(self, revision, name, content, *, store=1, path=None, checksum=None, stored=True, number=None):
        """A file; of a link, ``content`` is its URL."""
        number = number or 1000 + len(self.tables['bitstream'])
        if isinstance(content, str):
            return self.add('bitstream', bitstream_id=number, itemrevision_id=revision, name=content, mimetype='url',
                            sizebytes=0, checksum=' ', path=content, assetstore_id=1)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        path = path or f'{digest[:2]}/{digest[2:4]}/{digest}'
        place = self.root / str(store) / path
        if stored and not path.startswith('/'):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return self.add('bitstream', bitstream_id=number, itemrevision_id=revision, name=name,
                        mimetype='application/octet-stream', sizebytes=len(content), path=path, assetstore_id=store,
                        checksum=digest if checksum is None else checksum)

    def package(self, number, item, **values):
        return self.add(tables.PACKAGE, **{
            'package_id': number, 'item_id': item, 'os': 'linux', 'arch': 'amd64', 'revision': '21513',
            'submissiontype': 'nightly', 'packagetype': 'installer', 'productname': 'Slicer', 'codebase': 'Slicer4',
            'release': '', 'checkoutdate': DAY, **values})

    def extension(self, number, item, name='Ext', **values):
        return self.add(tables.EXTENSION, **{
            'slicerpackages_extension_id': number, 'item_id': item, 'os': 'linux', 'arch': 'amd64', 'revision': 'ab12',
            'submissiontype': 'nightly', 'packagetype': 'archive', 'productname': name, 'codebase': 'Slicer4',
            'release': '', 'repository_type': 'git', 'repository_url': 'git://github.com/x/y.git',
            'slicer_revision': '21513', 'category': 'IGT', 'icon_url': '', 'development_status': '',
            'description': 'A description', 'homepage': '', 'screenshots': '', 'contributors': '', 'enabled': 1,
            **values})


def simple(root, **given):
    """A package in a release, an extension for it, and one for a draft."""
    midas = Midas(root, **given)
    midas.user(1)
    midas.item(900, files=[('Slicer-4.2.0-linux-amd64.tar.gz', b'slicer')], downloads=30)
    midas.package(7, 900, release='4.2.0')
    midas.item(77, files=[('21513-linux-amd64-Ext-svn.tar.gz', archive('Other NA'))], downloads=5)
    midas.extension(12, 77)
    midas.item(78, files=[('30000-linux-amd64-Ext.zip', archive('NA', kind='zip'))])
    midas.extension(13, 78, slicer_revision='30000')
    return midas


def whole(root, **given):
    """All that is unusual, see the comments; each item is public and has a file unless they say otherwise."""
    midas = Midas(root, **given)
    _people(midas)
    _packages(midas)
    _files(midas)
    _extensions(midas)
    _others(midas)
    _folders(midas)
    return midas


def _people(midas):
    midas.user(1, 'Site', 'Admin', admin=1)
    midas.user(2, 'Jos&eacute;', through_latin1('Núñez'), 'jose@example.org')
    midas.user(3, through_latin1('Jürgen'), 'Müller', 'JOSE@example.org')  # the address in another case
    midas.user(4, 'Site', 'Admin', 'other@example.org')  # the same name
    midas.user(5, 'No', 'Upload', 'none@example.org')
    midas.user(6, 'Idle', 'Admin', 'idle@example.org', admin=1)


def _packages(midas):
    # One item with two rows.
    midas.item(900, 'Slicer-4.2.0', files=[('Slicer-4.2.0-linux-amd64.tar.gz', b'900')], downloads=30)
    midas.package(7, 900, release='4.2.0')
    midas.package(8, 900, release='4.2.0-1', revision='21514')
    # The same identity twice, with different bytes.
    midas.item(901, 'Slicer-21600', files=[('Slicer-21600-linux-amd64.tar.gz', b'901')], user=2)
    midas.item(902, 'Slicer-21600 (1)', files=[('Slicer-21600-linux-amd64.tar.gz', b'902')], user=3)
    midas.package(9, 901, revision='21600')
    midas.package(10, 902, revision='21600')
    # Two files, two folders, no date.
    midas.item(903, files=[('readme.txt', b'read'), ('Slicer.dmg', b'903')], user=4)
    midas.package(11, 903, revision='21601', os='mac', checkoutdate=None)
    # A link, without a date.
    midas.item(904, files=[('', 'http://download.slicer.org/Slicer.exe')])
    midas.package(12, 904, revision='21602', os='win', checkoutdate=ZERO)
    # No revision; and one of which the last revision is empty.
    midas.item(905)
    midas.package(13, 905, revision='21603')
    midas.item(924, files=[('Slicer-old.tar.gz', b'924')])
    midas.revision(924, 2)
    midas.package(14, 924, revision='21604')
    # Of a type that cannot be installed; of an item that is gone; without a product; with a cut date.
    midas.item(911, files=[('data.zip', b'911')])
    midas.package(15, 911, revision='21605', packagetype='data')
    midas.package(16, 99999)
    midas.item(912, files=[('Slicer-a1b2c3d.tar.gz', b'912')])
    midas.package(17, 912, revision='a1b2c3d', productname='', checkoutdate=datetime(2012, 11, 1, 0, 10, 11))  # noqa: DTZ001


def _files(midas):
    def package(number, item, content, **values):
        midas.item(item)
        midas.bitstream(midas.revision(item, 1), f'Slicer-{item}.tar.gz', content, **values)
        midas.package(number, item, revision=str(22000 + item), **({'os': 'Linux', 'arch': 'x86_64'}
                                                                   if item == 910 else {}))
    package(20, 906, b'906', stored=False)  # missing
    package(21, 907, b'907', checksum='0' * 32)  # another MD5
    package(22, 908, b'908', checksum=hashlib.md5(b'908', usedforsecurity=False).hexdigest().upper() + ' ')
    package(23, 909, b'909', store=2)
    package(24, 910, b'910', store=3, path='/dead/remote/910.tar.gz')
    (midas.root / '3' / '910.tar.gz').write_bytes(b'910')


def _extensions(midas):
    # Three revisions, inserted as 1, 3, 2; the item has the number of a package.
    midas.item(77, 'Ext-1.tar.gz', downloads=30)
    midas.package(77, 900, revision='21700')
    midas.revision(77, 1, [('Ext-1.tar.gz', b'first')], identifier=501)
    midas.revision(77, 3, [('Ext-3.tar.gz', archive('Other')), ('more.txt', b'more')], identifier=502)
    midas.revision(77, 2, [('Ext-2.tar.gz', b'second')], identifier=503)
    midas.extension(12, 77, category='A.B;C', contributors='<a href="http://x.org">A. B.</a> (C)',
                    description=through_latin1('Café <b>bold</b> <script>x</script> 2 < 3\nnext'),
                    screenshots='http://x.org/1.png http://x.org/2.png', homepage='www.slicer.org/x')
    # The bytes of a file of 12, svn, a cut URL, not enabled, fillers.
    midas.item(80, files=[('Other.tar.gz', b'first')])
    midas.extension(13, 80, 'Other', repository_type='svn', repository_url='http://svn.x.org/' + 'x' * 238, enabled=0,
                    icon_url='NA', homepage='NA', development_status='NA')
    # Twins with another repository type.
    midas.item(81, files=[('Twin-svn.tar.gz', b'81')], downloads=3)
    midas.extension(14, 81, 'Twin', repository_type='svn')
    midas.item(82, files=[('Twin-git.tar.gz', b'82')], downloads=4)
    midas.extension(15, 82, 'Twin')
    # Private by the policy, and public by it.
    midas.item(83, 'secret', public=False, files=[('Private.tar.gz', b'83')])
    midas.extension(17, 83, 'Private')
    midas.item(84, files=[('Public.tar.gz', b'84')])
    midas.extension(18, 84, 'Public')
    # No folder, no date, an unknown revision; an example.
    midas.item(85, files=[('Alone.tar.gz', b'85')], created=ZERO)
    midas.extension(19, 85, 'Alone', slicer_revision='99')
    midas.item(86, '日本 and ä', files=[('Example.tar.gz', b'86')])
    midas.extension(20, 86, 'Example', category='Examples', description='sound Ä')
    midas.item(87, files=[('Four.tar.gz', b'87')])
    midas.extension(21, 87, 'Four', description=through_latin1('four bytes 😀'))
    for name, required in (('Twin', 'Other'), ('Twin', 'Other'), ('Twin', 'Missing'), ('twin', 'Other')):
        midas.add(tables.DEPENDENCY, slicerpackages_extension_name=name, slicerpackages_extension_dependency=required)
    for number in (12, 4711):
        midas.add(tables.COMPATIBILITY, slicerpackages_extension_id=number, slicer_revision='1')


def _others(midas):
    midas.item(950, 'data', files=[('data.nrrd', b'950')], downloads=999)
    midas.revision(950, 2, [('data.nrrd', b'951')])
    midas.bitstream(-1, 'thumbnail.jpeg', b'thumbnail', number=8000)
    midas.bitstream(4711, 'orphan', b'orphan', number=8001)
    for date in (DAY, DAY + timedelta(days=1), None):
        midas.add('statistics_download', item_id=77, date=date)
    midas.add('ratings_item', item_id=77, user_id=1, rating=5)
    midas.add('comments_item', item_id=77, user_id=1, comment='x', date=DAY)
    midas.add('packages_package', package_id=1)


def _folders(midas):
    midas.folder(1, -2, 'community_1')
    midas.folder(2, 1, 'Public')
    midas.folder(3, 2, 'Release', 900)
    midas.folder(4, 2, 'Extensions', 77, 80, 81, 82)
    midas.folder(5, 2, 'Data', 903, 950)
    midas.folder(6, 2, 'Data', 903, 86, 86)
    midas.folder(7, 999, 'Lost')
    midas.folder(8, 7, 'Private', 83, 84)
    midas.folder(9, -1, 'user_1')
    midas.folder(10, 2, 'Nightly')
    midas.add('setting', name='packages.nightly.folder', module='slicerpackages', value='10')
    midas.add('setting', name='time_zone', module='core', value='America/New_York')
