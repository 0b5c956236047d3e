"""The tasks of a shop that does not exist: what `pgq demo --live` keeps its workers busy with.

The handlers wait instead of working, and fail now and then, so that all there is to see is seen.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import pgq
from pgq.processes.tied import end_with_parent

# Of so many payments the bank's answer comes late, and of so many it is no.
_LATE: Final = 0.15
_DECLINED: Final = 0.05

# Chance, not secrets: every run is another one.
_dice = random.Random()


class CardDeclined(Exception):
    """The bank says no: trying again would not help."""


class BankTimeout(Exception):
    """The bank did not answer in time."""


class MailServerBusy(Exception):
    """The mail server took no message."""


class BadRow(Exception):
    """A row of the supplier's catalogue makes no sense."""


async def _works(shortest: float, longest: float) -> None:
    """Take some time, mostly a short one."""
    await asyncio.sleep(shortest + (longest - shortest) * _dice.random() ** 3)


@pgq.task("send_mail", queue="mail", max_attempts=4, backoff="2 s")
async def send_mail(customer: int, template: str) -> dict[str, Any]:
    """Fail now and then, as mail servers do; a retry helps."""
    await _works(0.02, 0.4)
    if _dice.random() < 0.06:
        raise MailServerBusy(f"451 4.7.1 try again later (connection {_dice.randrange(10**6)})")
    return {"customer": customer, "template": template}


@pgq.task(
    "charge_card",
    queue="payments",
    max_attempts=3,
    backoff="1 s",
    no_retry_on=CardDeclined,
    concurrency_key="customer:{customer}",
    concurrency_limit=1,
)
async def charge_card(order: int, customer: int) -> dict[str, Any]:
    """Charge each customer for one order at a time; some cards are declined for good."""
    await _works(0.1, 1.5)
    luck = _dice.random()
    if luck < _DECLINED:
        raise CardDeclined(f"the card of customer {customer} is declined")
    if luck < _DECLINED + _LATE:
        raise BankTimeout(f"no answer for order {order} within 5 s")
    return {"order": order}


@pgq.task("resize_image", queue="images", max_attempts=2, priority=5)
async def resize_image(product: int) -> None:
    """Take its time; the queue runs few of these at a time."""
    await _works(0.2, 2.0)


@pgq.task("track_parcel", queue="partners", context=True)
async def track_parcel(context: pgq.Context, parcel: int) -> str:
    """Ask the carrier, and ask again later while the parcel is on its way."""
    await _works(0.05, 0.3)
    if _dice.random() < 0.7:
        context.snooze(10)
    return f"parcel {parcel} is delivered"


@pgq.task("monthly_report", queue="reports", timeout="5 minutes", context=True)
async def monthly_report(context: pgq.Context, month: str) -> dict[str, Any]:
    """Report how far it is."""
    steps = _dice.randrange(10, 40)
    for done in range(steps):
        context.progress({"done": done, "of": steps})
        await asyncio.sleep(0.5)
    return {"month": month, "pages": steps}


@pgq.task("fetch_catalogue", queue="imports")
async def fetch_catalogue(supplier: str) -> dict[str, Any]:
    """Begin a flow: a part per page follows."""
    await _works(0.5, 2.0)
    return {"supplier": supplier}


@pgq.task("import_page", queue="imports", max_attempts=2, backoff="3 s")
async def import_page(supplier: str, page: int) -> int:
    """Import a page; a bad one fails at every attempt, and what waits for it is cancelled."""
    await _works(0.2, 1.5)
    if page == 13:
        raise BadRow(f"{supplier}, page {page}: the price is {-page} EUR")
    return page


@pgq.task("publish_catalogue", queue="imports")
async def publish_catalogue(supplier: str) -> str:
    """End a flow: it waits for all pages."""
    await _works(0.2, 0.8)
    return supplier


@pgq.task("newsletter_done", queue="mail")
async def newsletter_done() -> None:
    """Follow a batch."""
    await _works(0.02, 0.1)


@pgq.task("refresh_prices", queue="partners", every="15 s")
async def refresh_prices() -> None:
    """Run by a schedule."""
    await _works(0.2, 1.0)


@pgq.task("nightly_cleanup", queue="reports", cron="15 3 * * *", timezone="Europe/Berlin")
async def nightly_cleanup() -> None:
    """Run at night by a schedule."""
    await _works(0.5, 1.0)


end_with_parent()
