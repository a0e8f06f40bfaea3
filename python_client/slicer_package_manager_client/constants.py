"""Names that programs written for release 0.11 import."""


class Constant:
    """What 0.11 called by number. Uploads now always answer the document of the item."""

    PACKAGE_NOW_UP_TO_DATE = 31
    EXTENSION_AREADY_UP_TO_DATE = 32
    EXTENSION_NOW_UP_TO_DATE = 33
    DRAFT_RELEASE_NAME = 'draft'
    DEFAULT_LIMIT = 50
