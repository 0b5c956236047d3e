/*
 * The history's partitions of this week, so that a fresh install has nothing to catch up with.
 */
select pgq._make_history_partitions(7, 30);
