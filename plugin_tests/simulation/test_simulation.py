"""Random operations, crashes and restarts leave the database as a plain model says."""
import math

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from plugin_tests.simulation import choices
from plugin_tests.simulation.machine import Simulation
from plugin_tests.simulation.world import World

pytestmark = pytest.mark.database

#: Operations between two empty databases, and empty databases for one seed.
STEPS, RUNS = 150, 5
#: The workers of a run share the steps. Each part has seeds of its own.
PARTS, SEEDS_OF_A_PART = 4, 10**6


@pytest.mark.timeout(0)  # by its steps, and by the machine, it takes minutes or a day
@pytest.mark.parametrize('part', range(PARTS))
def test_after_each_step_the_database_is_as_the_model_says(recorder, tmp_path, monkeypatch, request, part):
    def option(name):
        return request.config.getoption(f'--simulation-{name}')
    choices.depend_on_the_seed_only(monkeypatch)
    Simulation.world, Simulation.steps = World(recorder, tmp_path, monkeypatch), 0
    number = option('seed') + part * SEEDS_OF_A_PART
    phases = [Phase.generate, *([Phase.shrink] if option('shrink') else [])]
    while (left := option('steps') / PARTS - Simulation.steps) > 0:
        # The first run of a seed makes the simplest choices, so there is another one.
        simulate(number, min(RUNS, 1 + math.ceil(left / STEPS)), phases)
        number += 1
    print(f'{Simulation.steps} steps, {Simulation.crashes} crashes')  # noqa: T201


def simulate(number, runs, phases):
    try:
        run_state_machine_as_test(seed(number)(Simulation), settings=settings(
            max_examples=runs, stateful_step_count=STEPS, database=None, print_blob=False, phases=phases,
            suppress_health_check=list(HealthCheck)))
    except Exception as error:
        raise AssertionError(choices.explained(error, number)) from error
