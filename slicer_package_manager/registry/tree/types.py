"""Types of the documents in Girder's collections, with the keys that this plugin reads or writes.

``spm`` is what this plugin adds to a document, see :mod:`registration`. A query with a projection returns a part of a
document only; its type is that of the whole.
"""
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from bson.objectid import ObjectId

from slicer_package_manager.registry.schema.types import Document

if TYPE_CHECKING:
    from typing_extensions import NotRequired


class ApplicationRegistration(TypedDict):
    """``spm`` of an application's folder, and of the folder of its drafts."""

    role: str
    app: ObjectId


class ChannelRegistration(TypedDict):
    """``spm`` of the folder of a release or draft, and of the folder of its extensions.

    ``channel`` is the id of the folder of the release or draft, ``revision`` that of the application, and ``release``
    the name of the release, ``''`` for a draft. ``promoted`` says that the download counts of a draft are the
    release's.
    """

    role: str
    app: ObjectId
    channel: ObjectId
    draft: bool
    revision: str
    release: str
    promoted: NotRequired[bool]


class MidasFacts(TypedDict, total=False):
    """What the former MIDAS server stated about a package that comes from it, as text.

    ``checkoutdate`` is the time of the build machine, without a time zone. ``md5`` and ``sha512`` are those of the file
    that was imported.
    """

    md5: str
    sha512: str
    checkoutdate: str
    codebase: str
    submissiontype: str
    packagetype: str


class PackageRegistration(TypedDict):
    """``spm`` of the item of a package or extension."""

    kind: str
    app: ObjectId
    channel: ObjectId
    draft: bool
    release: str
    identity: str
    search: str
    ready: bool
    midas: NotRequired[MidasFacts]
    readme: NotRequired[str]


class Build(TypedDict):
    """The run of a CI service that built a file, as the service has stated it in a signed ID token.

    ``run`` is the number by which people know it, and the URLs are those of the service.
    """

    issuer: str
    repository: str
    commit: str
    ref: str
    workflow: str
    run: str
    repository_url: str
    commit_url: str
    run_url: str


class FileRegistration(TypedDict, total=False):
    """``spm`` of a stored file.

    ``retired`` is the moment when it was detached from its item, ``waited`` whether it was a replacement that waited
    for its uploader to delete the older file, and ``facts`` what statistics need of it, see :mod:`former_files`.
    ``beside`` marks a file that a migration found beside the one that readers get: it is attached to the item, and can
    be read by its id. ``build`` is the run that has uploaded the content.
    """

    retired: datetime
    waited: bool
    facts: Document
    beside: bool
    build: Build


class _Named(TypedDict):
    """What folders and items have in common. The keys of ``meta`` are those of the tables in :mod:`fields`."""

    _id: ObjectId
    name: str
    lowerName: str
    description: str
    creatorId: ObjectId
    created: datetime
    updated: datetime
    baseParentType: str
    baseParentId: ObjectId
    size: int
    meta: Document


class FolderDocument(_Named):
    """Any folder of Girder."""

    parentCollection: str
    parentId: ObjectId
    access: Document
    public: bool


class ApplicationFolder(FolderDocument):
    """The folder of an application, or of its drafts."""

    spm: ApplicationRegistration


class ChannelFolder(FolderDocument):
    """The folder of a release or draft, or of its extensions."""

    spm: ChannelRegistration


RegisteredFolder: TypeAlias = ApplicationFolder | ChannelFolder


class ItemDocument(_Named):
    """Any item of Girder."""

    folderId: ObjectId


class PackageItem(ItemDocument):
    """The item of a package or extension."""

    spm: PackageRegistration


class StoredFile(TypedDict):
    """A file of Girder: bytes in an assetstore, or a link (``linkUrl``)."""

    _id: ObjectId
    name: str
    itemId: ObjectId | None
    creatorId: ObjectId
    created: datetime
    updated: NotRequired[datetime]
    size: NotRequired[int | None]
    mimeType: NotRequired[str | None]
    exts: NotRequired[list[str]]
    sha512: NotRequired[str]
    linkUrl: NotRequired[str]
    assetstoreId: NotRequired[ObjectId | None]
    path: NotRequired[str]
    s3Key: NotRequired[str]
    relpath: NotRequired[str]
    imported: NotRequired[bool]
    attachedToType: NotRequired[str]
    attachedToId: NotRequired[ObjectId]
    spm: NotRequired[FileRegistration]


class UserDocument(TypedDict):
    """A user of Girder."""

    _id: ObjectId
    login: str
    email: str
    firstName: str
    lastName: str
    admin: bool
    status: NotRequired[str]
    groups: NotRequired[list[ObjectId]]
