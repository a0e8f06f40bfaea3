"""Answers that are kept in this process as long as they are true."""
from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass


@dataclass
class Answer:
    """A list as JSON.

    :param body: its bytes.
    :param tag: a hash of them.
    :param total: the number of documents on all pages.
    :param freshness: what caches may do with it, as ``Cache-Control`` says it.
    :param packed: the bytes compressed; ``None`` until a client asks for them.
    """

    body: bytes
    tag: str
    total: int
    freshness: str
    packed: bytes | None = None


class Kept:
    """Answers by question, the latest used ones, all of one version of the data.

    Threads may share it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._answers: OrderedDict = OrderedDict()
        self._version = None
        self._size = 0

    def get(self, question, version) -> Answer | None:
        """The answer to ``question`` if it was made of that ``version``; ``None`` if there is none."""
        with self._lock:
            if version is None or version != self._version or question not in self._answers:
                return None
            self._answers.move_to_end(question)
            return self._answers[question]

    def put(self, question, version, answer, limit) -> None:
        """Keep ``answer``, which was made of ``version`` or something newer.

        :param limit: bytes that all answers together may take; those that were not asked for the longest go.
        """
        size = _size(question, answer)
        if version is None or size > limit:
            return
        with self._lock:
            if version != self._version:
                self._answers.clear()
                self._version, self._size = version, 0
            if question not in self._answers:
                self._size += size
            self._answers[question] = answer
            while self._size > limit:
                oldest, dropped = self._answers.popitem(last=False)
                self._size -= _size(oldest, dropped)


def _size(question, answer):
    """Roughly the bytes of memory that an answer takes, with what becomes of it when it is compressed."""
    return len(answer.body) * 5 // 4 + len(repr(question)) + 1024
