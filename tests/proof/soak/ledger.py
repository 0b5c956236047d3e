"""What the soak notes while it runs, and the checker, which reads nothing of pgq.

In the process: what was asked for, and whether it was acknowledged. In the database, in tables of
its own: each effect, in the transaction that ends its job; and by a trigger each run of a job that
holds slots, from its claim to its end.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import psycopg

TABLES: Final = """
create table effects (
  place bigint generated always as identity primary key,
  token text not null,
  job_id bigint not null,
  claim_id bigint not null,
  made_at timestamptz not null default clock_timestamp()
);
create table runs (
  job_id bigint not null,
  claim_id bigint not null,
  key text not null,
  began bigint generated always as identity,
  ended bigint
);
create index on runs (job_id) where ended is null;
create function note_run() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into public.runs (job_id, claim_id, key)
    select new.job_id, new.claim_id, job.concurrency ->> 'key'
    from pgq.jobs as job
    where job.id = new.job_id and job.concurrency is not null;
  else
    update public.runs set ended = nextval('public.runs_began_seq')
    where job_id = old.job_id and ended is null;
  end if;
  return null;
end
$$;
create trigger note_run after insert or delete on pgq.running
for each row execute function note_run();
"""
# How often a key was held at once: by the order in which runs began and ended.
OVERLAPS: Final = """
    select one.key, count(*)
    from runs as one
    join runs as other
      on other.key = one.key and other.began <= one.began
      and (other.ended is null or other.ended > one.began)
    group by one.key, one.job_id, one.claim_id, one.began
"""
Kind = Literal["plain", "keyed", "unique", "parent", "child", "member", "callback"]


@dataclass
class Asked:
    """One job that a producer asked for. It is `acknowledged` if an answer with its id came."""

    token: str
    kind: Kind
    after: tuple[str, ...] = ()  # tokens whose effects must come first
    acknowledged: bool = False


@dataclass
class Ledger:
    """Everything that was asked for, and how calls ended; safe to use from many threads."""

    asked: dict[str, Asked] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, *asked: Asked) -> None:
        """Note what is about to be asked for."""
        with self._lock:
            self.asked.update((one.token, one) for one in asked)

    def acknowledge(self, *asked: Asked) -> None:
        """Note that the answer came."""
        for one in asked:
            one.acknowledged = True

    def count(self, what: str, number: int = 1) -> None:
        """Count how a call ended."""
        with self._lock:
            self.counts[what] += number


@dataclass
class Verdict:
    """What the checker found: numbers that must be 0, and figures that tell how hard it was."""

    faults: dict[str, int]
    figures: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether nothing was found, and something was tried."""
        return self.figures["effects"] > 0 and not any(self.faults.values())


def check(conn: psycopg.Connection, ledger: Ledger, limits: dict[str, int]) -> Verdict:
    """Compare what was asked for with its effects."""
    effects = defaultdict[str, list[int]](list)
    for token, place in conn.execute("select token, place from effects order by place"):
        effects[token].append(place)
    lost = [
        one.token for one in ledger.asked.values() if one.acknowledged and not effects[one.token]
    ]
    early = [
        one.token
        for one in ledger.asked.values()
        for place in effects[one.token][:1]
        if any(not effects[before] or effects[before][0] > place for before in one.after)
    ]
    over: list[Any] = [
        key for key, held in conn.execute(OVERLAPS.encode()).fetchall() if held > limits[key]
    ]
    asked_for = set(ledger.asked)
    return Verdict(
        faults={
            "acknowledged jobs lost": len(lost),
            "effects doubled": sum(len(places) > 1 for places in effects.values()),
            "effects nobody asked for": len(
                [token for token, places in effects.items() if places and token not in asked_for]
            ),
            "jobs before their parents": len(early),
            "runs above a limit": len(over),
        },
        figures={
            "jobs asked for": len(ledger.asked),
            "acknowledged": sum(one.acknowledged for one in ledger.asked.values()),
            "effects": sum(map(len, effects.values())),
            **{what: ledger.counts[what] for what in sorted(ledger.counts)},
        },
    )
