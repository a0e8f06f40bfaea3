"""How tests wait: for conditions, never for a time, with one limit that only a hang reaches.

A machine with ten times as much to do as it can takes ten times as long for everything, so no limit here says how
quick something is. Where a promise is about time, compare with what would happen without it, such as a grace period.
"""
import time

import httpx
from hypothesis import settings

#: Seconds after which a condition is given up: what works does not take so long on any machine.
PATIENCE = 300


def poll(condition, what, patience=PATIENCE):
    """Wait until ``condition()`` is true and return that value; fail after ``patience`` seconds."""
    begin = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - begin
        assert waited < patience, f'{what}: not within {patience} s'
        # Conditions that call a server, or read what all processes do, would keep a core busy.
        time.sleep(min(max(waited / 10, 0.02), 0.1))
    return value


def be_patient():
    """Give requests of httpx :data:`PATIENCE` unless a test gives them less, and examples of Hypothesis all the time.

    Httpx itself limits requests to 5 s, Hypothesis an example to 0.2 s.
    """
    settings.register_profile('patient', deadline=None)
    settings.load_profile('patient')
    shared = httpx.get.__kwdefaults__['timeout']
    shared.connect = shared.read = shared.write = shared.pool = PATIENCE


def share_certificates():
    """Have requests and clients of httpx share one SSL context: to make one takes longer than most requests here."""
    context = httpx.create_ssl_context()
    for call in (httpx.request, httpx.get, httpx.head, httpx.post, httpx.put, httpx.delete, httpx.Client.__init__):
        call.__kwdefaults__['verify'] = context
