-- The worker's end of the queue.

local function is_running(id, attempt)
  local state, current = facts(id, 'state', 'attempt')
  return state == 'running' and current == attempt
end

-- What a worker gets of a job that is its own: {id, job, accepted at, pictures, notices, attempt, epoch}
local function handed_over(id)
  local accepted, attempt, epoch = facts(id, 'accepted', 'attempt', 'epoch')
  local words = redis.call('HMGET', key('words', id), 'job', 'pictures', 'notices')
  return {id, words[1], accepted, words[2] or '[]', words[3] or '[]', attempt, epoch}
end

-- Alive until its next heartbeat is overdue. The value: its last claim's call and jobs.
local function mark_live(worker, claimed)
  redis.call('SET', key('worker', worker), claimed, 'PX', math.ceil(LEASE_S * 1000))
end

-- A client that lost the response asks again with the same call: it gets the same jobs.
local function claimed_by_call(worker, call)
  local claimed = redis.call('GET', key('worker', worker))
  local claims = {}
  if claimed and string.match(claimed, '^%S*') == call then
    for id in string.gmatch(claimed, ' (%S+)') do
      local state, by = facts(id, 'state', 'worker')
      if state == 'running' and by == worker then table.insert(claims, handed_over(id)) end
    end
  end
  return claims
end

-- Until when the conversation is left to the live worker that holds its cache; 0 when this worker may have it.
local function held_until(conversation, held, worker, time)
  if held <= time then return 0 end
  local keeper = redis.call('HGET', key('conversation', conversation), 'worker')
  if not keeper or keeper == worker then return 0 end
  return redis.call('EXISTS', key('worker', keeper)) == 1 and held or 0
end

-- Virtual time is the finish of the job claimed last. A tenant with nothing later has no claim on the past.
local function pass_virtual_time(tenant, finish)
  local times = redis.call('HMGET', FAIRNESS, '*', tenant)
  local time = math.max(tonumber(times[1] or 0), finish)
  redis.call('HSET', FAIRNESS, '*', time)
  if tonumber(times[2] or 0) <= time then redis.call('HDEL', FAIRNESS, tenant) end
end

local function start(id, conversation, attempt, finish, worker, time)
  local tenant = tenant_of(conversation)
  redis.call('ZREM', READY, id)
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZADD', RUNNING, stamp(time + LEASE_S), id)
  count_waiting(tenant, -1)
  pass_virtual_time(tenant, finish)
  set(id, 'state', 'running', 'attempt', attempt, 'worker', worker, 'started', stamp(time), 'written', 0,
    'epoch', epoch_of(conversation))
  redis.call('XADD', key('answers', id), '*', 'event', cjson.encode({type = 'started', attempt = attempt}))
end

-- args: {worker, room, call}
-- {claims, id of the last wake-up, seconds until a conversation is no longer left to another worker (or false)};
-- the last two only when there are no claims
register('claim', function(_, args)
  local a, time = cjson.decode(args[1]), now()
  local claims = claimed_by_call(a.worker, a.call)
  if #claims > 0 then return {claims, false, false} end

  local claimed, free_at = a.call, false
  local heads = redis.call('ZRANGE', READY, 0, a.room + LOOKAHEAD - 1, 'WITHSCORES')
  for i = 1, #heads, 2 do
    if #claims == a.room then break end
    local id, finish = heads[i], tonumber(heads[i + 1])
    local conversation, attempt, deadline, held = facts(id, 'conversation', 'attempt', 'deadline', 'held_until')
    if not conversation then
      redis.call('ZREM', READY, id)  -- somebody deleted the job by hand
    elseif attempt ~= '0' or tonumber(deadline) > time then  -- else the reaper is about to tell the asker
      local until_time = held_until(conversation, tonumber(held), a.worker, time)
      if until_time == 0 then
        start(id, conversation, tonumber(attempt) + 1, finish, a.worker, time)
        table.insert(claims, handed_over(id))
        claimed = claimed .. ' ' .. id
      else
        free_at = math.min(free_at or until_time, until_time)
      end
    end
  end

  if #claims > 0 then
    mark_live(a.worker, claimed)
    return {claims, false, false}
  end
  local last = redis.call('XREVRANGE', WAKE, '+', '-', 'COUNT', 1)[1]
  return {claims, last and last[1] or '0-0', free_at and stamp(free_at - time)}
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
  if redis.call('PEXPIRE', key('worker', a.worker), math.ceil(LEASE_S * 1000)) == 0 then mark_live(a.worker, '') end
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
