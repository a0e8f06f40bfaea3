"""A simulation: random operations of the domain, crashes and restarts, against a plain model of what must be true.

`model` is the model, `world` the database, the files, the clock and the process that may crash, `observed` compares the
two, `machine` has the operations, and `choices` is about the seed.
"""
import pytest

pytest.register_assert_rewrite('plugin_tests.simulation.machine', 'plugin_tests.simulation.observed')
