-- The worker's end of the queue.

local function is_running(id, attempt)
  local state, current = facts(id, 'state', 'attempt')
  return state == 'running' and current == attempt
end

-- args: {worker, room, call, wait_s}
-- {entries of the call's inbox, seconds until a conversation is no longer left to another worker (or false)}
register('claim', function(_, args)
  local a, time = cjson.decode(args[1]), now()
  local inbox, waiting = key('inbox', a.call), a.call .. ' ' .. a.worker
  redis.call('ZREM', IDLE, waiting)
  if redis.call('EXISTS', inbox) == 1 then  -- given while it waited, or in a call whose response was lost
    local given = redis.call('XRANGE', inbox, '-', '+')
    for _, entry in ipairs(given) do
      if entry[2][1] == 'id' then return {given, false} end
    end
  end

  local started, free_at = 0, false
  local heads = redis.call('ZRANGE', READY, 0, a.room + LOOKAHEAD - 1, 'WITHSCORES')
  for i = 1, #heads, 2 do
    if started == a.room then break end
    local id, finish = heads[i], tonumber(heads[i + 1])
    local conversation, attempt, deadline, held = facts(id, 'conversation', 'attempt', 'deadline', 'held_until')
    if not conversation then
      redis.call('ZREM', READY, id)  -- somebody deleted the job by hand
    elseif attempt ~= '0' or tonumber(deadline) > time then  -- else the reaper is about to tell the asker
      local until_time = held_until(conversation, tonumber(held), a.worker, time)
      if until_time == 0 then
        start(id, conversation, finish, a.worker, a.call, time)
        started = started + 1
      else
        free_at = math.min(free_at or until_time, until_time)
      end
    end
  end

  if started > 0 then
    mark_live(a.worker)
    expire(inbox, LEASE_S)
    return {redis.call('XRANGE', inbox, '-', '+'), false}
  end
  if a.wait_s > 0 and a.room > 0 then
    mark_live(a.worker)
    redis.call('ZREMRANGEBYSCORE', IDLE, '-inf', stamp(time))
    redis.call('ZADD', IDLE, stamp(time + a.wait_s), waiting)
  end
  return {{}, free_at and stamp(free_at - time)}
end)

-- args: job, attempt, characters of this attempt before the delta, and with it; the delta. 0 when fenced
register('publish', function(_, args)
  local id, attempt, before, after, delta = unpack(args)
  if not is_running(id, attempt) then return 0 end
  local written, asked = facts(id, 'written', 'cancel')
  local repeated = tonumber(before) < tonumber(written)
  if repeated or asked == 'forgotten' or redis.call('XLEN', key('answers', id)) >= ANSWER_MAX_EVENTS then return 1 end
  set(id, 'written', after)
  redis.call('XADD', key('answers', id), '*', 'event', delta)
  return 1
end)

local function measure_run(id)
  local run_s = now() - tonumber(facts(id, 'started'))
  local mean_s = tonumber(redis.call('HGET', GAUGES, 'mean_run_s') or run_s)
  redis.call('HSET', GAUGES, 'mean_run_s', stamp(mean_s + RUN_TIME_WEIGHT * (run_s - mean_s)))
end

local function keep_turn(conversation, source, turn)
  if redis.call('HSET', key('turns', conversation), source, turn) == 1 then
    redis.call('RPUSH', key('order', conversation), source)
  end
end

-- args: job, attempt, ending, '1' when it is an answer, source of the turn, turn ('' for none). 0 when fenced
register('commit', function(_, args)
  local id, attempt, ending, answered, source, turn = unpack(args)
  if facts(id, 'committed') == attempt then return 1 end  -- a lost response
  if not is_running(id, attempt) then return 0 end
  local conversation, worker, asked = facts(id, 'conversation', 'worker', 'cancel')
  if asked == 'forgotten' then ending, turn = ENDED_FORGOTTEN, '' end
  if turn ~= '' then
    keep_turn(conversation, source, turn)
    redis.call('HSET', key('conversation', conversation), 'worker', worker)
  end
  if answered == '1' then measure_run(id) end
  set(id, 'committed', attempt)
  end_job(id, ending)
  if asked ~= 'forgotten' then use(conversation) end
  return 1
end, {'allow-oom'})

-- args: {worker, claims = {{job, attempt}, ...}, read}; read: id of the last forgetting this worker knows of
-- {cancellations = {{job, reason}, ...}, fenced = {job, ...}, forgettings = {{conversation, epoch}, ...}, read}
register('heartbeat', function(_, args)
  local a, time = cjson.decode(args[1]), now()
  mark_live(a.worker)
  local cancellations, fenced, forgettings, read = {}, {}, {}, a.read
  for _, claim in ipairs(a.claims) do
    local id, attempt = claim[1], claim[2]
    if is_running(id, attempt) then
      redis.call('ZADD', RUNNING, stamp(time + LEASE_S), id)
      local reason = facts(id, 'cancel')
      if reason then table.insert(cancellations, {id, reason}) end
    elseif facts(id, 'committed') ~= attempt then
      table.insert(fenced, id)
    end
  end
  for _, entry in ipairs(redis.call('XRANGE', FORGOTTEN, '(' .. a.read, '+', 'COUNT', 1000)) do
    read = entry[1]
    table.insert(forgettings, {entry[2][2], entry[2][4]})
  end
  return {cancellations, fenced, forgettings, read}
end, {'allow-oom'})
