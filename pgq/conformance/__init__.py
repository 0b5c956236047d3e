"""Whether a worker, in whatever language, keeps to the protocol: `pgq conformance -- COMMAND`.

The command is started as it is, with a database and its options in the environment. What it does
is judged by what the database shows, and by what its tasks return.
"""

from __future__ import annotations

from pgq.conformance.run import Verdict, run
from pgq.conformance.stand import Broken

__all__ = ["Broken", "Verdict", "run"]
