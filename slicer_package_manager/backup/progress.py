"""How long work tells how far it is, without knowing who listens."""
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

#: Called with how much more is done.
Advance = Callable[[int], None]
#: Makes a step of the work from its title, how much there is to do (``None`` if nobody knows), and whether that is
#: counted in bytes.
Steps = Callable[[str, int | None, bool], AbstractContextManager[Advance]]


@contextmanager
def silent(_title: str, _total: int | None, _in_bytes: bool) -> Iterator[Advance]:
    """A step that nobody listens to."""
    yield lambda _done: None
