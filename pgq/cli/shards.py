"""Commands about a fleet of shards: shard init, add, list, spread, move, verify."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.fleet import targets
from pgq.cli.options import duration, fleet_options, json_option
from pgq.cli.output import write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import ShardMap

_SLOTS: Final = 1024
# How often (seconds) a move asks whether the old shard has drained.
_ASK_EVERY: Final = 1.0


@dataclass(frozen=True)
class Shard:
    """A shard that answers: what it is called, a client of it, and what it says of the fleet."""

    name: str
    client: Client
    map: ShardMap


@cli.group(cls=Subgroup, short_help="Make and look after a fleet of shards.")
def shard() -> None:
    """Make databases the shards of one queue system, and move slots between them.

    Name every shard to each of these commands, by --dsn or --installation. With --json each writes
    JSON.

    \b
      pgq shard init --installation 's*'
      pgq shard list --installation 's*'
      pgq shard move --queue mail --to 2 --installation 's*'
      pgq shard verify --installation 's*'
    """


@shard.command(short_help="Make new databases the shards of a fleet.")
@click.option(
    "--first",
    type=click.IntRange(0, 1023),
    default=1,
    show_default=True,
    help="The number of the first; the others follow.",
)
@fleet_options
@json_option
def init(first: int, dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Make databases the shards of a fleet, in their order, each with its part of the slots.

    pgq must be installed in each, and no job may have been made there.

    \b
      pgq shard init --dsn dbname=one --dsn dbname=two
    """
    with _clients(dsn, schema) as clients:
        for name, client in clients.items():
            if found := client.shard_map():
                raise Refusal(
                    f"{name} is shard {found[0].number} already", "pgq shard add takes new ones"
                )
        numbers = list(range(first, first + len(clients)))
        owners = [numbers[slot * len(numbers) // _SLOTS] for slot in range(_SLOTS)]
        for number, client in zip(numbers, clients.values(), strict=True):
            client.shard_init(number, owners)
        _tell(_shards(clients), as_json)


@shard.command(short_help="Make a new database one more shard of a fleet.")
@fleet_options
@json_option
def add(dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Make the one database among these that is no shard yet one more, with no slots so far.

    Then name it to every client, and only then move slots to it.

    \b
      pgq shard add --dsn dbname=one --dsn dbname=two --dsn dbname=new
    """
    with _clients(dsn, schema) as clients:
        maps = {name: found for name, client in clients.items() if (found := client.shard_map())}
        new = [name for name in clients if name not in maps]
        if len(new) != 1 or not maps:
            raise WrongCall(
                f"{len(new)} of these databases are no shards yet", "name the fleet and one more"
            )
        old = _shards({name: clients[name] for name in maps})
        number = max(each.map.number for each in old) + 1
        owners = [owner for owner in owners_of(old) if owner is not None]
        if len(owners) < _SLOTS:
            raise Refusal(
                f"{_SLOTS - len(owners)} slots have no owner here",
                "name every shard, and wait until no slot moves",
            )
        clients[new[0]].shard_init(number, owners)
        for queue in sorted({queue for each in old for queue in each.map.spread}):
            clients[new[0]].shard_spread(queue)
        _tell(_shards(clients), as_json)


@shard.command("list", short_help="Show the shards, and how many slots each takes.")
@fleet_options
@json_option
def list_(dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Show the shards by their numbers, how many slots each takes, and the spread queues.

    \b
      pgq shard list --installation 's*'
    """
    with open_fleet(dsn, schema) as shards:
        _tell(shards, as_json)


@shard.command(short_help="Spread a queue over all shards.")
@click.argument("queue")
@click.option("--off", is_flag=True, help="Let it be on one shard again.")
@fleet_options
@json_option
def spread(queue: str, off: bool, dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Spread a queue that is empty over all shards: its jobs then go by their keys.

    \b
      pgq shard spread bulk --installation 's*'
    """
    with open_fleet(dsn, schema) as shards:
        for each in shards:
            each.client.shard_spread(queue, not off)
    if as_json:
        write_json({"queue": queue, "spread": not off})
    else:
        click.echo(f"{queue} is {'on one shard' if off else 'spread'}")


@shard.command(short_help="Move slots to another shard, when their jobs have ended.")
@click.option("--to", "target", type=int, required=True, metavar="N", help="The new shard.")
@click.option("--queue", help="Move the slot of this queue.")
@click.option("--slot", "slots", type=click.IntRange(0, 1023), multiple=True, help="Or this one.")
@click.option("--slots", "count", type=click.IntRange(1, 1023), help="Or so many, evenly.")
@click.option(
    "--within",
    type=duration,
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="Give them back if they have not drained by then.",
)
@fleet_options
@json_option
def move(
    target: int,
    queue: str | None,
    slots: tuple[int, ...],
    count: int | None,
    within: timedelta,
    dsn: str | None,
    schema: str | None,
    as_json: bool,
) -> None:
    """Move slots: nothing more comes in, their jobs end where they are, the new shard goes on.

    Enqueues into these slots wait meanwhile, for the patience of their clients. Workers must run. A
    slot that other queues or keys share moves with all of them. Exit code 1 if some did not drain
    in time: those stay where they were.

    \b
      pgq shard move --queue mail --to 2 --installation 's*'
      pgq shard move --slots 256 --to 4 --installation 's*' --within 1h
    """
    with open_fleet(dsn, schema) as shards:
        known = {each.map.number: each for each in shards}
        if target not in known:
            raise WrongCall(f"there is no shard {target}", f"there are {_listed(known)}")
        wanted = _chosen(shards, target, queue, slots, count)
        owners = owners_of(shards)
        moved: list[int] = []
        kept: list[int] = []
        for number, each in known.items():
            own = [slot for slot in wanted if owners[slot] == number != target]
            if own:
                drained = _drain(each, shards, own, within)
                _assign(known[target] if drained else each, shards, own)
                (moved if drained else kept).extend(own)
    if as_json:
        write_json({"moved": sorted(moved), "kept": sorted(kept)})
    else:
        click.echo(f"{len(moved)} slots moved to shard {target}")
    if kept:
        raise Refusal(
            f"{len(kept)} slots did not drain in time, and stay where they were",
            "pgq jobs shows what runs; schedules of their queues count: pgq schedule remove",
        )


@shard.command(short_help="Check that every slot has one owner, and each job is where it belongs.")
@fleet_options
@json_option
def verify(dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Check that every slot has one owner and no job is outside of its slot. Exit code 1 if not.

    Then no key of a queue, or of the spread queues, lives on two shards. It reads every live job.

    \b
      pgq shard verify --installation 's*'
    """
    with open_fleet(dsn, schema) as shards:
        problems = [*_slot_problems(shards), *_stray_problems(shards)]
    if as_json:
        write_json(problems)
    else:
        for each in problems:
            click.echo(each)
        if not problems:
            click.echo(f"all {_SLOTS} slots have one owner, and every job is where it belongs")
    if problems:
        click.get_current_context().exit(Refusal.exit_code)


def _slot_problems(shards: list[Shard]) -> Generator[str, None, None]:
    spread = {tuple(each.map.spread) for each in shards}
    if len(spread) > 1:
        yield "the shards differ in which queues are spread: pgq shard spread QUEUE again"
    for slot in range(_SLOTS):
        takers = [each.map.number for each in shards if each.map.owners[slot] == each.map.number]
        if not takers:
            yield f"nobody takes slot {slot}"
        elif len(takers) > 1:
            yield f"the shards {_listed(takers)} all take slot {slot}"
        for each in shards:
            if len(takers) == 1 and each.map.owners[slot] not in (takers[0], None):
                yield f"{each.name} takes slot {slot} for shard {each.map.owners[slot]}'s"


def _stray_problems(shards: list[Shard]) -> Generator[str, None, None]:
    for each in shards:
        for left in each.client.shard_left():
            yield (
                f"{each.name} has of slot {left.slot}, which it does not take: {left.jobs} jobs, "
                f"{left.windows} keys, {left.schedules} schedules"
            )


def _drain(old: Shard, shards: list[Shard], slots: list[int], within: timedelta) -> bool:
    """Leave slots to nobody, first on their shard, and wait until nothing of them is there."""
    for each in sorted(shards, key=lambda each: each is not old):
        each.client.shard_assign(slots)
    until = time.monotonic() + within.total_seconds()
    while old.client.shard_left(slots):
        if time.monotonic() > until:
            return False
        time.sleep(_ASK_EVERY)
    return True


def _assign(new: Shard, shards: list[Shard], slots: list[int]) -> None:
    """Give slots that nobody takes to a shard, which is the first to say so."""
    for each in sorted(shards, key=lambda each: each is not new):
        each.client.shard_assign(slots, new.map.number)


def _chosen(
    shards: list[Shard], target: int, queue: str | None, slots: tuple[int, ...], count: int | None
) -> list[int]:
    """Return the slots to move; of a number of them as many as possible from each shard."""
    if sum(map(bool, (queue, slots, count))) != 1:
        raise WrongCall("say which slots", "one of --queue, --slot and --slots")
    if queue is not None:
        slot = shards[0].client.shard_slot(queue)
        if slot is None:
            raise WrongCall(f"{queue} is spread: it has no slot of its own")
        return [slot]
    if count is None:
        return [*slots]
    owners = owners_of(shards)
    free = [slot for slot in range(_SLOTS) if owners[slot] not in (None, target)]
    if count > len(free):
        raise WrongCall(f"the other shards take {len(free)} slots", "move fewer")
    return [free[place * len(free) // count] for place in range(count)]


def owners_of(shards: list[Shard]) -> list[int | None]:
    """Return who takes each slot, as each says of itself."""
    owners: list[int | None] = [None] * _SLOTS
    for each in shards:
        for slot, owner in enumerate(each.map.owners):
            if owner == each.map.number:
                owners[slot] = owner
    return owners


@contextmanager
def _clients(dsn: str | None, schema: str | None) -> Generator[dict[str, Client], None, None]:
    """Connect to every database that was named; all must answer."""
    with ExitStack() as stack:
        yield {
            each.name or "the database": stack.enter_context(open_client(each.dsn, each.schema))
            for each in targets(dsn, schema)
        }


@contextmanager
def open_fleet(dsn: str | None, schema: str | None) -> Generator[list[Shard], None, None]:
    """Connect to every shard; Refusal where the fleet has more than were named."""
    with _clients(dsn, schema) as clients:
        shards = _shards(clients)
        named = {each.map.number for each in shards}
        told = {owner for each in shards for owner in each.map.owners if owner is not None}
        if missing := told - named:
            raise WrongCall(f"the shards {_listed(missing)} are not named", "name every shard")
        yield shards


def _shards(clients: Mapping[str, Client]) -> list[Shard]:
    found: dict[int, Shard] = {}
    for name, client in clients.items():
        maps = client.shard_map()
        if not maps:
            raise Refusal(f"{name} is no shard", "pgq shard init makes new databases shards")
        if (number := maps[0].number) in found:
            raise WrongCall(f"{found[number].name} and {name} are both shard {number}")
        found[number] = Shard(name, client, maps[0])
    return [found[number] for number in sorted(found)]


def _tell(shards: list[Shard], as_json: bool) -> None:
    rows = [
        {
            "number": each.map.number,
            "database": each.name,
            "slots": sum(owner == each.map.number for owner in each.map.owners),
            "moving": sum(owner is None for owner in each.map.owners),
            "spread": each.map.spread,
        }
        for each in shards
    ]
    if as_json:
        write_json(rows)
    else:
        titles = tuple(rows[0])
        write_table(
            titles,
            [[*list(row.values())[:4], ", ".join(row["spread"])] for row in rows],  # type: ignore[arg-type]
            "no shards",
        )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
