"""Random operations, crashes and restarts leave the database as a plain model says."""
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from plugin_tests.simulation.machine import Simulation
from plugin_tests.simulation.world import World

pytestmark = pytest.mark.database

#: Steps of a run, and runs between two seeds.
STEPS, RUNS = 80, 10


def test_after_each_step_the_database_is_as_the_model_says(recorder, tmp_path, monkeypatch, request):
    wanted, first = (request.config.getoption(f'--simulation-{name}') for name in ('steps', 'seed'))
    Simulation.world, Simulation.steps = World(recorder, tmp_path, monkeypatch), 0
    phases = [Phase.generate, *([Phase.shrink] if request.config.getoption('--simulation-shrink') else [])]
    number = first
    while Simulation.steps < wanted:
        print(f'Repeat what follows by --simulation-seed {number}')  # noqa: T201 - shown when it fails
        run_state_machine_as_test(seed(number)(Simulation), settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, database=None, print_blob=False,
            phases=phases, suppress_health_check=list(HealthCheck)))
        number += 1
    print(f'{Simulation.steps} steps, {Simulation.crashes} crashes')  # noqa: T201
