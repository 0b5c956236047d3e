"""What all else stands on, and what knows nothing of jobs: connections, forks, threads, texts."""
