"""Workers over several databases: the slots that they share, and a database that is away."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import pgq
from pgq.config.keys import Config, WorkerSet
from pgq.processes.fleet import Database, check_distinct, plan_fleet
from pgq.worker.budget import Budget


@dataclass(eq=False)
class Member:
    """One that has so much work that it takes whatever it may."""

    budget: Budget
    waiting: int = 0
    busy: int = 0
    hung: int = 0
    looked: int = 0

    def __post_init__(self) -> None:
        self.budget.join(self)

    @property
    def held(self) -> int:
        return self.busy

    @property
    def wants(self) -> bool:
        return self.waiting > 0

    def look(self) -> None:
        self.looked += 1

    def take(self) -> int:
        """Start all that it may, and return how many run now."""
        more = max(0, min(self.budget.most_busy(self) - self.busy, self.waiting))
        self.busy += more
        self.waiting -= more
        return self.busy

    def end(self, count: int) -> None:
        self.busy -= count
        self.budget.freed(self)


def test_one_alone_has_every_slot() -> None:
    budget = Budget(10)
    alone = Member(budget, waiting=50)
    assert alone.take() == 10


def test_one_with_work_leaves_a_slot_to_each_of_the_others() -> None:
    budget = Budget(10)
    busy, *idle = [Member(budget, waiting) for waiting in (50, 0, 0)]
    assert busy.take() == 8
    for each in idle:
        each.waiting = 1
        assert each.take() == 1


def test_two_with_work_get_the_same_number() -> None:
    budget = Budget(10)
    first, second, idle = [Member(budget, waiting) for waiting in (50, 0, 0)]
    assert first.take() == 8
    second.waiting = 50
    assert second.take() == 1
    first.end(3)
    assert second.looked == 1
    assert (first.take(), second.take()) == (5, 4)
    first.end(1)
    assert (first.take(), second.take()) == (5, 4)  # nine slots for two: one has the odd one
    idle.waiting = 50
    first.end(2)
    second.end(1)
    assert (first.take(), second.take(), idle.take()) == (4, 3, 3)


@pytest.mark.parametrize("members", [2, 3, 7])
def test_never_more_run_than_there_are_slots(members: int) -> None:
    budget = Budget(7)
    all_of_them = [Member(budget, 0) for _ in range(members)]
    for round_ in range(200):
        one = all_of_them[(round_ * 5) % members]
        one.waiting = (round_ * 3) % 11
        one.take()
        assert sum(each.busy for each in all_of_them) <= 7
        other = all_of_them[(round_ * 2) % members]
        other.end(min(other.busy, round_ % 4))


def test_each_needs_a_slot() -> None:
    budget = Budget(1)
    Member(budget)
    with pytest.raises(pgq.InvalidArgument, match="more workers share them"):
        Member(budget)
    with pytest.raises(pgq.InvalidArgument, match="concurrency is 0"):
        Budget(0)


def test_what_one_leaves_is_free_for_the_others() -> None:
    budget = Budget(4)
    first, second = Member(budget, 9), Member(budget, 9)
    assert (first.take(), second.take()) == (2, 2)
    budget.leave(first)
    assert (second.looked, second.take()) == (1, 4)
    budget.leave(first)


def test_it_is_stuck_where_threads_hang_in_every_slot_that_one_could_have() -> None:
    budget = Budget(4)
    first, second = Member(budget, 9), Member(budget, 9)
    first.hung, second.hung = 2, 0
    assert not budget.is_stuck
    second.hung = 1
    assert budget.is_stuck


def plans(*databases: tuple[str, WorkerSet], mode: str | None = None) -> list[tuple[str, ...]]:
    """Return the databases that each process serves."""
    made = [
        Database(name, Config(modules=("app",), mode=mode, worker_sets=(chosen,)), f"dbname={name}")
        for name, chosen in databases
    ]
    return [tuple(each["database"] for each in plan.workers) for plan in plan_fleet(made)]


def test_databases_whose_sets_are_alike_share_processes() -> None:
    two = WorkerSet(processes=2)
    assert plans(("a", two), ("b", two)) == [("a", "b"), ("a", "b")]
    other = WorkerSet(concurrency=3)
    assert plans(("a", WorkerSet()), ("b", WorkerSet()), ("c", other)) == [("a", "b"), ("c",)]
    assert plans(("a", WorkerSet()), ("b", WorkerSet()), mode="async") == [("a", "b")]


def test_a_set_needs_a_slot_for_each_database() -> None:
    one = WorkerSet(concurrency=1)
    with pytest.raises(pgq.InvalidArgument, match="concurrency of 1 for 2 databases"):
        plans(("a", one), ("b", one))


def test_what_a_process_has_one_of_is_the_same_for_all() -> None:
    configs = Config(lock="x"), Config(lock="y")
    both = [Database(config.lock or "", config, f"dbname={config.lock}") for config in configs]
    with pytest.raises(pgq.InvalidArgument, match=r"x and y differ in worker\.lock"):
        plan_fleet(both)
    with pytest.raises(pgq.InvalidArgument, match="x and z are the same database"):
        check_distinct([both[0], Database("z", both[0].config, "dbname=x")])


def test_a_set_of_an_installation_is_for_no_other_one() -> None:
    sets = (WorkerSet(installation="s*"), WorkerSet(concurrency=3))
    shard, plain = [Database(name, Config(worker_sets=sets), "") for name in ("s1", "mail")]
    assert [one.concurrency for one in own(shard, named_only=False)] == [10, 3]
    assert [one.concurrency for one in own(shard, named_only=True)] == [10]
    assert [one.concurrency for one in own(plain, named_only=False)] == [3]
    assert own(plain, named_only=True) == ()


def own(database: Database, *, named_only: bool) -> tuple[WorkerSet, ...]:
    found = database.with_own_sets(named_only=named_only)
    return found.config.worker_sets if found else ()
