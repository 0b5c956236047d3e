"""`python -m pgq` is `pgq`."""

from __future__ import annotations

from pgq.cli import main

if __name__ == "__main__":
    main()
