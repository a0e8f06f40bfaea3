"""Answers that documents show, compared with real ones."""

#: What differs from one run to the next.
VARYING = {'_id', 'itemId', 'folderId', 'sha512', 'size', 'created', 'since_created', 'synced', 'version',
           'download_url', 'extensions_browse_url', 'period'}


def assert_shown(shown, real):
    """``shown`` is ``real``, but for keys that were left out, and values that vary."""
    if isinstance(shown, dict):
        assert shown.keys() <= real.keys()
        for key in shown.keys() - VARYING:
            assert_shown(shown[key], real[key])
    elif isinstance(shown, list):
        assert len(shown) == len(real)
        for one, other in zip(shown, real, strict=True):
            assert_shown(one, other)
    else:
        assert shown == real
