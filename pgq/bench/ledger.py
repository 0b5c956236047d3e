"""A memory-mapped file in which handlers count their runs, to see lost and doubled jobs.

For each process it has the moment of its first handler, and how many it ran; for each job, how
often it ran and when it last did. Drivers in other languages write the same format. Moments are
nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from pathlib import Path
from typing import Final

SLOTS: Final = 64
_MOMENT: Final = struct.Struct("<q")
_SLOT: Final = struct.Struct("<qqq")  # first moment, runs, first attempts
_HEADER: Final = SLOTS * _SLOT.size

FILE_VARIABLE: Final = "PGQ_BENCH_LEDGER"
SLOT_VARIABLE: Final = "PGQ_BENCH_SLOT"


class Ledger:
    """Counts of the jobs 0 to `jobs` - 1; a process counts into a slot of its own."""

    def __init__(self, path: Path, slot: int = 0) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.jobs = (len(self._map) - _HEADER) // (1 + _MOMENT.size)
        self._moments = _HEADER + self.jobs
        self._slot = slot * _SLOT.size
        self._ran = 0
        self._attempted = 0
        self._turn = threading.Lock()

    @classmethod
    def create(cls, path: Path, jobs: int) -> Ledger:
        """Make an empty file for so many jobs."""
        with path.open("wb") as file:
            file.truncate(_HEADER + jobs * (1 + _MOMENT.size))
        return cls(path)

    def count(self, n: int) -> None:
        """Note that job n runs."""
        place = _HEADER + n
        with self._turn:
            if not self._ran:
                _MOMENT.pack_into(self._map, self._slot, time.monotonic_ns())
            self._map[place] = min(255, self._map[place] + 1)
            self._ran += 1
            _MOMENT.pack_into(self._map, self._slot + _MOMENT.size, self._ran)

    def count_moment(self, n: int) -> None:
        """Note that job n runs, and when."""
        _MOMENT.pack_into(self._map, self._moments + n * _MOMENT.size, time.monotonic_ns())
        self.count(n)

    def attempt(self) -> None:
        """Note that a job was tried for the first time, however it ended."""
        with self._turn:
            self._attempted += 1
            _MOMENT.pack_into(self._map, self._slot + 2 * _MOMENT.size, self._attempted)

    def attempted(self) -> int:
        """Return how many first attempts were noted."""
        return sum(_SLOT.unpack_from(self._map, n * _SLOT.size)[2] for n in range(SLOTS))

    def runs(self) -> int:
        """Return how many runs there were; it takes no longer for more jobs."""
        return sum(_SLOT.unpack_from(self._map, n * _SLOT.size)[1] for n in range(SLOTS))

    def ran(self) -> int:
        """Return how many jobs have run."""
        return self.jobs - self._map[_HEADER : self._moments].count(b"\0")

    def has(self, n: int) -> bool:
        """Say whether a job has run."""
        return self._map[_HEADER + n] != 0

    def doubled(self) -> int:
        """Return how many jobs ran more than once."""
        counts = self._map[_HEADER : self._moments]
        return self.jobs - counts.count(b"\0") - counts.count(b"\1")

    def moment(self, n: int) -> int:
        """Return when job n ran."""
        return int(_MOMENT.unpack_from(self._map, self._moments + n * _MOMENT.size)[0])

    def starts(self) -> list[int]:
        """Return when the processes ran their first jobs, in order."""
        moments = (_SLOT.unpack_from(self._map, n * _SLOT.size)[0] for n in range(SLOTS))
        return sorted(moment for moment in moments if moment)

    def close(self) -> None:
        """Close the file."""
        self._map.close()
