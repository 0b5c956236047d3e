"""The benchmark: workloads, the bare statements they are compared with, and what came of them.

Every contest is validated: each job ran exactly once and its end is stored, or it is an error.
Contestants take turns, and what is told is the median of the runs and its ratio to the reference.
"""
