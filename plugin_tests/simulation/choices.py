"""The choices of a seed, and what a failure reports of them."""
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers


def depend_on_the_seed_only(monkeypatch):
    """Let the same seed make the same choices in each environment.

    One in twenty numbers that Hypothesis chooses is one that stands in the source of a local module, if it finds such
    numbers in the range. So the choices would be others after a change to any test, with other tests in the same
    process, and where the server is installed as a package.
    """
    monkeypatch.setattr(providers, '_get_local_constants', providers.Constants)
    monkeypatch.setattr(providers, 'CONSTANTS_CACHE', LRUCache(1024))


def explained(error, seed):
    """One line about a failure, for the summary of pytest: how to repeat it, the step that failed, and why."""
    steps = [line for note in getattr(error, '__notes__', ()) for line in note.splitlines()
             if line.startswith('state.') and line != 'state.teardown()']
    where = f'step {len(steps)}, {steps[-1].removeprefix("state.")}' if steps else 'no step'
    return f"Repeat by -k '0]' --simulation-seed {seed}: {where}: {' / '.join(_reasons(error))}"


def _reasons(error):
    """The first lines of an error, and of those in it: Hypothesis groups them if a repetition did not fail alike."""
    yield f'{type(error).__name__}: {error}'.partition('\n')[0]
    for one in getattr(error, 'exceptions', ()):
        yield from _reasons(one)
