from hypothesis import settings, Phase
from hypothesis.stateful import run_state_machine_as_test
from tests.test_approval_machine import Machine
def test_x():
    run_state_machine_as_test(Machine, settings=settings(max_examples=400, stateful_step_count=30, deadline=None, derandomize=True, database=None))
