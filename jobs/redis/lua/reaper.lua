-- Promises that nobody else is left to keep.

-- A lost worker's job goes back to its own place in the order, open to every worker.
local function take_back(id, failure)
  local conversation, asked, attempt = facts(id, 'conversation', 'cancel', 'attempt')
  if not conversation then
    redis.call('ZREM', RUNNING, id)  -- somebody deleted the job by hand
  elseif asked then
    end_job(id, cjson.encode({type = 'cancelled', reason = asked}))
  elseif tonumber(attempt) >= MAX_ATTEMPTS then
    redis.call('LPUSH', DEAD, id)
    redis.call('LTRIM', DEAD, 0, DEAD_LETTERS - 1)
    end_job(id, failure)
  else
    redis.call('ZREM', RUNNING, id)
    count_waiting(conversation, 1)
    set(id, 'state', 'ready', 'held_until', 0)
    promote(conversation)
  end
end

-- args: ending of a job whose workers keep failing; {how many were touched, {job, patience} of the overdue, ...}
register('reap', function(_, args)
  sweep_conversations()
  sweep_pictures()
  local time = stamp(now())
  local lost = redis.call('ZRANGEBYSCORE', RUNNING, '-inf', time, 'LIMIT', 0, 100)
  for _, id in ipairs(lost) do take_back(id, args[1]) end
  local overdue = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', time, 'LIMIT', 0, 100)) do
    local patience_s = facts(id, 'patience_s')
    if patience_s then
      table.insert(overdue, {id, patience_s})
    else
      redis.call('ZREM', DEADLINES, id)
    end
  end
  return {#lost, overdue}
end, {'allow-oom'})

-- args: job, ending; 1 when it was still waiting past its deadline
register('give_up', function(_, args)
  local deadline = redis.call('ZSCORE', DEADLINES, args[1])
  if not deadline or tonumber(deadline) > now() then return 0 end
  end_job(args[1], args[2])
  return 1
end, {'allow-oom'})
