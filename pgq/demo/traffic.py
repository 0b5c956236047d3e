"""What the customers of the demo's shop do: jobs of every kind, until told to stop."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event
from typing import Final

import pgq
from pgq.client.clients import Client
from pgq.demo import shop

# Seconds between two looks at what is due.
_BEAT: Final = 0.5
_SUPPLIERS: Final = ("Acme", "Globex", "Initech", "Umbrella", "Stark")

_dice = random.Random()


def prepare(client: Client) -> None:
    """Set the limits of the shop's queues, and what waits for a person to look at it."""
    client.configure_queue("images", max_running=3)
    client.configure_queue("partners", rate_limit=4, rate_interval=1, rate_burst=8)
    client.configure_queue("mail", fair=True)
    client.pause_queue("exports")
    client.schedule("weekly-report", "monthly_report", cron="0 7 * * 1", args={"month": "2030-01"})
    client.pause_schedule("weekly-report")
    for place in range(12):
        client.enqueue("export_orders", {"part": place}, queue="exports")
    client.enqueue(shop.monthly_report.job("2031-01"), delay=86_400, unique_key="report-2031-01")
    client.add_mark("the shop opens")


class Traffic:
    """Makes jobs; `busy` is how many orders come each second, more or less."""

    def __init__(self, client: Client, busy: float = 2.0) -> None:
        self._client = client
        self._busy = busy
        self._order = 0
        # How many beats apart, and what comes then.
        self._kinds: list[tuple[int, Callable[[], None]]] = [
            (1, self._orders),
            (3, self._images),
            (12, self._parcels),
            (30, self._report),
            (50, self._catalogue),
            (90, self._newsletter),
            (40, self._offer),
        ]

    def run(self, stop: Event) -> None:
        """Make jobs until `stop`."""
        beat = 0
        while not stop.wait(_BEAT):
            for every, make in self._kinds:
                if beat % every == 0:
                    make()
            beat += 1

    def _orders(self) -> None:
        jobs: list[pgq.NewJob] = []
        # Sometimes many at once.
        rush = 8 if _dice.random() < 0.02 else 1
        for _ in range(_around(self._busy * _BEAT * rush)):
            self._order += 1
            customer = _dice.randrange(1, 40)
            charge = shop.charge_card.job(self._order, customer)
            charge = charge.changed(headers={"order": self._order})
            mail = shop.send_mail.job(customer, "order").changed(partition_key=f"{customer % 5}")
            jobs += [charge, mail.after(charge)]
        self._client.enqueue_many(jobs)

    def _images(self) -> None:
        products = [_dice.randrange(500) for _ in range(_around(3))]
        self._client.enqueue_many(map(shop.resize_image.job, products))

    def _parcels(self) -> None:
        self._client.enqueue_many(shop.track_parcel.job(self._order + place) for place in range(3))

    def _report(self) -> None:
        self._client.enqueue(
            shop.monthly_report.job(f"2030-{_dice.randrange(1, 13):02}"),
            unique_key="report",
            on_conflict="discard",
        )

    def _catalogue(self) -> None:
        supplier = _dice.choice(_SUPPLIERS)
        fetch = shop.fetch_catalogue.job(supplier)
        first = _dice.randrange(1, 10)
        pages = [
            shop.import_page.job(supplier, page).after(fetch) for page in range(first, first + 8)
        ]
        publish = shop.publish_catalogue.job(supplier).after(*pages)
        self._client.enqueue_many(pgq.flow(publish))

    def _newsletter(self) -> None:
        batch = self._client.create_batch(
            on_finish=shop.newsletter_done.job(), description=f"newsletter {self._order}"
        )
        self._client.enqueue_many(
            shop.send_mail.job(customer, "newsletter").changed(batch_id=batch, priority=10)
            for customer in range(1, 31)
        )
        self._client.close_batch(batch)

    def _offer(self) -> None:
        """Enqueue what is soon of no use: a queue without workers lets it expire."""
        self._client.enqueue("flash_offer", queue="offers", expires_in=30)


def _around(number: float) -> int:
    """Return a number near this one, on average this one."""
    return int(number * 2 * _dice.random() + 0.5)
