"""The protocol by which long work reports its progress."""
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

#: Called with the amount of work that was done since the last call.
Advance = Callable[[int], None]
#: Begins a step: its title, the total amount (``None`` if unknown), and whether amounts are bytes.
Steps = Callable[[str, int | None, bool], AbstractContextManager[Advance]]


@contextmanager
def silent(_title: str, _total: int | None, _in_bytes: bool) -> Iterator[Advance]:
    """A step that reports nothing."""
    yield lambda _done: None
