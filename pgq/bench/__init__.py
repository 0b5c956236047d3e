"""The benchmark: workloads, the bare statements to compare them with, and the figures.

Every contest is checked: each job must have run exactly once, and its end must be stored.
Contestants take turns. A figure is the median of the runs, with its ratio to the reference.
"""
