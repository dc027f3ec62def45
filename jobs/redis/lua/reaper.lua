-- Promises that nobody else is left to keep.

local function recover(job, failure)
  if job.cancel then
    end_job(job, cancelled(job.cancel))
  elseif tonumber(job.attempt) >= MAX_ATTEMPTS then
    redis.call('LPUSH', DEAD, job.id)
    redis.call('LTRIM', DEAD, 0, DEAD_LETTERS - 1)
    end_job(job, failure)
  else
    take_back(job)
  end
end

-- ending of a job whose workers keep failing -> {how many were recovered, {job, patience} of the overdue, ...}
register('reap', function(failure)
  sweep_conversations()
  sweep_pictures()
  local lost = redis.call('ZRANGEBYSCORE', RUNNING, '-inf', stamp(now()), 'LIMIT', 0, 100)
  for _, id in ipairs(lost) do
    local job = read_job(id)
    if job then
      recover(job, failure)
    else
      redis.call('ZREM', RUNNING, id)  -- somebody deleted it by hand
    end
  end
  local overdue = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', WAITING, '-inf', stamp(now()), 'LIMIT', 0, 100)) do
    local patience_s = redis.call('HGET', key('job', id), 'patience_s')
    if patience_s then
      table.insert(overdue, {id, patience_s})
    else
      redis.call('ZREM', WAITING, id)
    end
  end
  return {#lost, overdue}
end, DRAINS)

-- job, ending -> 1 when it was still waiting past its deadline
register('give_up', function(id, ending)
  local job = redis.call('ZSCORE', WAITING, id) and read_job(id)
  if not job or not is_overdue(job) then return 0 end
  end_job(job, ending)
  return 1
end, DRAINS)
