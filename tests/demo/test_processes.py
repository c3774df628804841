"""What the demo starts it can kill, with everything that was started from there, and nothing else."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botproject.demo.processes import Program, Stopped
from botproject.demo.waiting import Overdue, wait_until

pytestmark = [pytest.mark.once, pytest.mark.processes]

SLEEP = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def make_program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    made: list[Program] = []

    def make(code: str) -> Program:
        command = [sys.executable, "-c", code]
        made.append(Program("sleeper", command, directory=tmp_path, environment=os.environ, logs=tmp_path))
        return made[-1]

    yield make
    for program in made:
        program.kill()


def test_kill_ends_children_too(make_program: Callable[[str], Program]) -> None:
    program = make_program(PARENT)
    program.start()
    wait_until(lambda: len(program.pids()) == 2, "the child", 10)
    pids = program.pids()

    assert program.kill() == pids
    assert program.pids() == []


def test_kill_ends_the_children_of_a_leader_that_is_dead(make_program: Callable[[str], Program]) -> None:
    program = make_program(PARENT)
    program.start()
    wait_until(lambda: len(program.pids()) == 2, "the child", 10)
    leader, child = program.pids()
    os.kill(leader, 9)
    wait_until(lambda: program.pids() == [child], "the leader's death", 10)

    assert program.kill() == [child]
    assert program.pids() == []


def test_other_programs_live_on(make_program: Callable[[str], Program]) -> None:
    doomed, other = make_program(SLEEP), make_program(SLEEP)
    doomed.start()
    other.start()

    doomed.kill()

    other.require_running()
    assert len(other.pids()) == 1


def test_a_program_that_ends_by_itself_is_noticed(make_program: Callable[[str], Program]) -> None:
    program = make_program("print('no such option', flush=True); raise SystemExit(2)")
    program.start()
    wait_until(lambda: not program.pids(), "its end", 10)

    with pytest.raises(Stopped, match="sleeper ended by itself"):
        program.require_running()
    assert program.log_text() == "no such option\n"
    assert program.kill() == []


def test_each_start_has_a_log_of_its_own(make_program: Callable[[str], Program]) -> None:
    program = make_program(SLEEP)
    logs = []
    for _ in range(2):
        program.start()
        logs.append(program.log.name)
        program.kill()

    assert logs == ["sleeper-1.log", "sleeper-2.log"]


def test_waiting_ends_at_the_deadline() -> None:
    with pytest.raises(Overdue, match=r"the impossible: not within 0\.05 s"):
        wait_until(lambda: False, "the impossible", 0.05)
