/*
 * The bucket of a histogram that a time belongs to, as a letter: A for bucket -20, w for 34.
 * Bucket n holds times of at most 2^(n/2) seconds and more than 2^((n-1)/2). That is schema 1 of
 * Prometheus' native histograms, and scale 1 of OpenTelemetry's exponential ones. The lowest
 * bucket begins at 0, and the last one has no end. It has no settings, so that it is inlined.
 *
 * The numbers are half a microsecond below the first whole one of the buckets -19 to 34. So the
 * search is exact, even for a time that is a power of two, and costs less than a logarithm.
 */
create or replace function pgq._bucket_letter(microseconds double precision)
  returns text
  language sql
  immutable
as $$
  select pg_catalog.chr(65 + pg_catalog.width_bucket(
    microseconds,
    '{976.5,1381.5,1953.5,2762.5,3906.5,5524.5,7812.5,11048.5,15625.5,22097.5,31250.5,44194.5,
      62500.5,88388.5,125000.5,176776.5,250000.5,353553.5,500000.5,707106.5,1000000.5,1414213.5,
      2000000.5,2828427.5,4000000.5,5656854.5,8000000.5,11313708.5,16000000.5,22627416.5,32000000.5,
      45254833.5,64000000.5,90509667.5,128000000.5,181019335.5,256000000.5,362038671.5,512000000.5,
      724077343.5,1024000000.5,1448154687.5,2048000000.5,2896309375.5,4096000000.5,5792618751.5,
      8192000000.5,11585237502.5,16384000000.5,23170475005.5,32768000000.5,46340950011.5,
      65536000000.5,92681900023.5}'::double precision[]
  ))
$$;

comment on function pgq._bucket_letter is
  'The bucket of a histogram that a time belongs to, as a letter.';
