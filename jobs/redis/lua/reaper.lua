-- Promises that nobody else is left to keep.

local function recover(job, failure)
  if not job.cancel and tonumber(job.attempt) >= MAX_ATTEMPTS then
    end_job(job, failure)
  else
    give_back(job)
  end
end

-- What was dropped stands in the append-only file until that is written anew. One reaper is told that it is time, by
-- how often something was (0: it is not time). Until it says that the writing has begun, another one will be told.
local function gone_to_rewrite()
  local gauges = redis.call('HMGET', GAUGES, 'gone', 'rewritten')
  if not gauges[1] or now() < tonumber(gauges[2] or 0) + REWRITE_EVERY_S then return 0 end
  redis.call('HSET', GAUGES, 'rewritten', stamp(now()))
  return tonumber(gauges[1])
end

-- how often something was dropped before the writing began
register('rewrite_begun', function(gone)
  if redis.call('HGET', GAUGES, 'gone') == gone then redis.call('HDEL', GAUGES, 'gone') end
end, DRAINS)

-- ending of a job whose workers keep failing
-- -> {how many were recovered, {job, patience} of the overdue, what `rewrite_begun` is told when it is time to rewrite}
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
  return {#lost, overdue, gone_to_rewrite()}
end, DRAINS)

-- job, ending -> 1 when it was still waiting past its deadline
register('give_up', function(id, ending)
  local job = redis.call('ZSCORE', WAITING, id) and read_job(id)
  if not job or not is_overdue(job) then return 0 end
  end_job(job, ending)
  return 1
end, DRAINS)
