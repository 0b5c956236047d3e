"""What the random sequences are made of."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st

from tests.property.things import ENDED, WAITING, Options, Rate, Semaphore

QUEUES = ("a", "ab", "b", "f")
FAIR = "f"
DEFAULT_ATTEMPTS = 5
UNIQUE_KEYS = ("k", "l")
FUNCTIONS = ("complete", "fail", "snooze", "release")
CHANGES = ("cancel", "retry", "discard", "reprioritise")

small = st.integers(0, 7)
sizes = st.integers(1, 4)
queues = st.sampled_from(["a", "a", "ab", "b", "f"])
tasks = st.sampled_from(["x", "x", "y"])
tags = st.sampled_from([None, "red"])
partition_keys = st.sampled_from([None, "s", "t"])
UNIQUE = st.sampled_from(UNIQUE_KEYS)
keys = st.sampled_from(["p", "p", "q", "o"])
semaphores = st.builds(
    Semaphore,
    key=keys,
    limit=st.integers(2, 3),
    weight=st.sampled_from([1, 1, 2]),
    duration=st.sampled_from([None, None, 4]),
    discard=st.sampled_from([False, False, False, True]),
)
orders = st.builds(
    Semaphore,
    key=st.sampled_from(["o", "o", "p"]),
    order=st.sampled_from(["continue", "continue", "block"]),
)


def _possible(wanted: Options) -> Options:
    """Leave out what a job in strict order cannot have."""
    if wanted.semaphore is None or wanted.semaphore.order is None:
        return wanted
    kept = None if wanted.on_conflict in ("replace", "merge") else wanted.on_conflict
    return replace(wanted, parents=(), on_conflict=kept, max_wait=None)


options = st.builds(
    Options,
    queue=queues,
    task=tasks,
    priority=st.integers(-1, 1),
    delay=st.sampled_from([0, 0, 0, 1, 5]),
    expires_in=st.sampled_from([None, None, None, 3]),
    max_attempts=st.integers(1, 3),
    unique_key=st.sampled_from([None, None, *UNIQUE_KEYS]),
    on_conflict=st.sampled_from([None, "return", "raise", "replace", "bump", "discard", "merge"]),
    unique_while=st.sampled_from([None, "live", "queued"]),
    unique_for=st.sampled_from([None, None, 2, 6]),
    timeout=st.sampled_from([None, None, 3, 40]),
    semaphore=st.none() | semaphores | orders,
    parents=st.sampled_from([(), (), (), (0,), (0,), (1,), (0, 2), (3, 5)]),
    on_parent_failure=st.sampled_from([None, "cancel", "run", "wait"]),
    partition_key=partition_keys,
    batch=st.sampled_from([None, None, None, 0, 0, 1]),
    tag=tags,
    max_wait=st.sampled_from([None, None, 2]),
    items=st.sampled_from([(), (1,), (2, 3)]),
).map(_possible)
many = st.lists(options.filter(lambda one: one.on_conflict not in ("raise", "merge")), max_size=8)
# Parents are places among the earlier jobs of the same call.
flows = st.lists(
    st.builds(
        Options,
        queue=queues,
        delay=st.sampled_from([0, 0, 1]),
        parents=st.sampled_from([(), (0,), (1,), (0, 1), (0, 3)]),
        on_parent_failure=st.sampled_from([None, "cancel", "run", "wait"]),
        semaphore=st.none() | semaphores | orders,
        batch=st.sampled_from([None, 0]),
    ).map(_possible),
    min_size=2,
    max_size=6,
)
followers = st.none() | st.builds(
    Options, queue=queues, priority=st.integers(-1, 1), delay=st.sampled_from([0, 1]), tag=tags
)
waiting_or_ended = st.lists(
    st.sampled_from([*WAITING, *ENDED]), min_size=1, max_size=3, unique=True
)
selections = st.sampled_from(
    [["a"], ["a*"], ["*"], ["b", "a"], ["ab", "*"], ["b", "a*", "*"], ["f"]]
)
rates = st.none() | st.builds(
    Rate,
    limit=st.sampled_from([0, 1, 1, 2, 3]),
    interval=st.sampled_from([1, 3, 7]),
    burst=st.sampled_from([None, None, 1, 4]),
    per_key=st.booleans(),
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "queue": queues,
        "task": tasks,
        "states": st.lists(
            st.sampled_from(["ready", "scheduled", "blocked", "running", "failed", "cancelled"]),
            min_size=1,
            max_size=3,
        ),
        "unique_key": st.sampled_from(UNIQUE_KEYS),
        "concurrency_key": keys,
        "partition_key": partition_keys,
        "created_before": st.integers(1, 8),
        "tag": st.just("red"),
    },
)
