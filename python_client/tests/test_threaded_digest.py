import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from slicer_package_manager_client import threaded_digest
from slicer_package_manager_client.threaded_digest import ThreadedDigest


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as made:
        yield made


class Recorder:
    """A digest that records the bytes and the threads of its updates; waits for ``may_work``."""

    def __init__(self):
        self.content, self.threads, self.may_work = b'', set(), threading.Event()

    def update(self, block):
        self.may_work.wait()
        self.content += block
        self.threads.add(threading.get_ident())


@pytest.mark.parametrize('size', [0, 1, 64, 1000, 2000, 12_345])
def test_the_checksum_is_that_of_all_bytes_in_their_order(size, thread, monkeypatch):
    monkeypatch.setattr(threaded_digest, 'BATCH', 1000)
    data = random.Random(size).randbytes(size)
    digest = ThreadedDigest(thread, hashlib.sha512())
    for start in range(0, size, 64):
        digest.update(data[start:start + 64])
    assert digest.hexdigest() == hashlib.sha512(data).hexdigest()
    digest.update(b'more')
    assert digest.hexdigest() == hashlib.sha512(data + b'more').hexdigest()


def test_another_thread_computes_it_and_few_bytes_wait(thread, monkeypatch):
    monkeypatch.setattr(threaded_digest, 'BATCH', 10)
    recorder, added = Recorder(), threading.Semaphore(0)
    digest = ThreadedDigest(thread, recorder)

    def add():
        for _ in range(9):
            digest.update(b'12345')
            added.release()
    adding = threading.Thread(target=add)
    adding.start()
    for _ in range(3):
        added.acquire()
    assert not added.acquire(timeout=0.05)  # the fourth one waits for the thread
    recorder.may_work.set()
    adding.join()
    thread.shutdown()
    assert recorder.content == b'12345' * 8
    assert threading.get_ident() not in recorder.threads
    assert adding.ident not in recorder.threads


def test_a_failure_of_the_thread_is_reported(thread):
    digest = ThreadedDigest(thread, hashlib.sha512())
    digest.update('text')
    with pytest.raises(TypeError):
        digest.hexdigest()
