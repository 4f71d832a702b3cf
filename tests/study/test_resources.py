"""How many workers fit."""

import pytest

from mriseg.study import resources as machine


@pytest.fixture
def roomy(monkeypatch, tmp_path):
    """A machine with 8 cores and 20 GB free, in no container."""
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    monkeypatch.setattr(machine, "_of_machine", lambda: 20_000_000_000)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "OWN_CGROUP", tmp_path / "own")
    return tmp_path


def test_workers_are_bounded_by_cores_and_by_memory(roomy, monkeypatch):
    assert machine.fitting_workers() == 8
    monkeypatch.setattr(machine, "_of_machine", lambda: machine.DRIVER_BYTES + 3 * machine.WORKER_BYTES)
    assert machine.fitting_workers() == 3
    monkeypatch.setattr(machine, "_of_machine", lambda: 1)
    assert machine.fitting_workers() == 1


def group(folder, limit, used=0, cached=0):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 7\n")


def test_a_container_counts_and_not_the_machine_around_it(roomy):
    group(roomy, machine.DRIVER_BYTES + 2 * machine.WORKER_BYTES + 1000, 1000)
    assert machine.fitting_workers() == 2
    group(roomy, "max")
    assert machine.fitting_workers() == 8


def test_what_only_caches_files_is_as_good_as_free(roomy):
    group(roomy, machine.DRIVER_BYTES + 2 * machine.WORKER_BYTES, 10_000_000_000, 10_000_000_000)
    assert machine.fitting_workers() == 2


def test_of_groups_in_groups_the_narrowest_counts(roomy):
    """As a job of Slurm has one, its steps others within, and none of them need have a limit."""
    (roomy / "own").write_text("0::/slurm/job_1/step_0\n")
    group(roomy / "slurm/job_1/step_0", "max")
    group(roomy / "slurm/job_1", machine.DRIVER_BYTES + 3 * machine.WORKER_BYTES)
    group(roomy / "slurm", 10**12)
    group(roomy, "max")
    assert machine.fitting_workers() == 3


def test_each_worker_may_have_its_share_and_never_less_than_a_scan_needs(roomy):
    assert machine.share_bytes(2) == (20_000_000_000 - machine.DRIVER_BYTES) // 2
    assert machine.share_bytes(100) == machine.WORKER_BYTES


def test_a_system_that_does_not_say_is_taken_by_its_cores(roomy, monkeypatch):
    monkeypatch.setattr(machine, "_of_machine", lambda: None)
    assert machine.fitting_workers() == 8
    assert machine.share_bytes(2) is None


def test_this_machine_says_something_sensible():
    assert 10_000_000 < machine.free_bytes() < 100_000_000_000_000
