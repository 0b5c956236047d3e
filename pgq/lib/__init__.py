"""What everything else needs, and what knows no jobs: connections, forks, threads, texts."""
