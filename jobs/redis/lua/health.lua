-- How the whole is doing.

-- -> {questions that wait, that run, workers that wait for one, mean seconds of an answer (or false)}
register('health', function()
  local idle = redis.call('ZCOUNT', IDLE, '(' .. stamp(now()), '+inf')
  local mean_run_s = redis.call('HGET', GAUGES, 'mean_run_s')
  return {redis.call('ZCARD', WAITING), redis.call('ZCARD', RUNNING), idle, mean_run_s}
end, READS)
