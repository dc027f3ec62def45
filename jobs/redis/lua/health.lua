-- How the whole is doing.

-- -> {questions that wait, that run, live workers, mean seconds of an answer (or false)}
register('health', function()
  local live = redis.call('ZCOUNT', WORKERS, '(' .. stamp(now()), '+inf')
  local mean_run_s = redis.call('HGET', GAUGES, 'mean_run_s')
  return {redis.call('ZCARD', WAITING), redis.call('ZCARD', RUNNING), live, mean_run_s}
end, READS)
