-- The worker's end of the queue.

-- {worker, room, call, wait_s}
-- -> {entries of the call's inbox, seconds until a conversation is no longer left to another worker (or false)}
register('claim', function(request)
  local a = cjson.decode(request)
  local inbox, waiting = key('inbox', a.call), a.call .. ' ' .. a.worker
  redis.call('ZREM', IDLE, waiting)
  for _, entry in ipairs(redis.call('XRANGE', inbox, '-', '+')) do
    -- Given while it waited, or in a call whose response was lost.
    if entry[2][1] == 'id' then return {redis.call('XRANGE', inbox, '-', '+'), false} end
  end

  local started, free_at = 0, false
  local heads = redis.call('ZRANGE', READY, 0, a.room + LOOKAHEAD - 1)
  for _, id in ipairs(heads) do
    if started == a.room then break end
    local job = read_job(id)
    if not job then
      redis.call('ZREM', READY, id)  -- somebody deleted it by hand
    elseif not is_overdue(job) then
      local conversation = read_conversation(job.conversation)
      local held = held_until(job, conversation, a.worker)
      if held == 0 then
        start(job, conversation, a.worker, a.call)
        started = started + 1
      else
        free_at = math.min(free_at or held, held)
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
    redis.call('ZREMRANGEBYSCORE', IDLE, '-inf', stamp(now()))
    redis.call('ZADD', IDLE, stamp(now() + a.wait_s), waiting)
  end
  return {{}, free_at and stamp(free_at - now())}
end, DRAINS)

-- worker, call: nobody reads its inbox any more; what it was given and nobody will work on goes back at once
register('withdraw', function(worker, call)
  redis.call('ZREM', IDLE, call .. ' ' .. worker)
  for _, entry in ipairs(redis.call('XRANGE', key('inbox', call), '-', '+')) do
    local job = entry[2][1] == 'id' and read_job(entry[2][2])
    if job and job.state == 'running' and job.claimed_by == call then give_back(job) end
  end
end, DRAINS)

local function owns(job, attempt) return job and job.state == 'running' and job.attempt == attempt end

-- The response was lost: our client publishes the same again before it says more. Any other delta from the very
-- beginning begins the answer anew.
local function is_repeated(job, before, delta)
  if before > 0 then return before < tonumber(job.written) end
  local last = redis.call('XREVRANGE', key('answers', job.id), '+', '-', 'COUNT', 1)[1]
  return last and last[2][2] == delta
end

-- The words so far rest on something that is forgotten: whoever comes late does not read them. How many parts went.
local function take_back_words(id)
  local taken = 0
  for _, entry in ipairs(redis.call('XRANGE', key('answers', id), '-', '+')) do
    local is_delta = cjson.decode(entry[2][2]).type == 'delta'
    if is_delta then taken = taken + redis.call('XDEL', key('answers', id), entry[1]) end
  end
  return taken
end

-- The conversation's epoch, where something was forgotten since that a claim of this one may rest on.
local function epoch_since(job, epoch)
  local current = tonumber(redis.call('HGET', key('conversation', job.conversation), 'epoch') or 0)
  return current > tonumber(epoch) and current
end

-- job, attempt, epoch of the claim, characters of this attempt before the delta, and with it; the delta
-- -> 0 when fenced
register('publish', function(id, attempt, epoch, before, after, delta)
  local job = read_job(id)
  if not owns(job, attempt) then return 0 end
  before = tonumber(before)
  if job.cancel == 'forgotten' or epoch_since(job, epoch) or is_repeated(job, before, delta) then return 1 end
  if before == 0 and tonumber(job.written) > 0 then take_back_words(id) end
  if redis.call('XLEN', key('answers', id)) >= ANSWER_MAX_EVENTS then return 1 end
  set(job, 'written', after)
  redis.call('XADD', key('answers', id), '*', 'event', delta)
  return 1
end, DRAINS)

local function measure_run(job)
  local run_s = now() - tonumber(job.started)
  local mean_s = tonumber(redis.call('HGET', GAUGES, 'mean_run_s') or run_s)
  redis.call('HSET', GAUGES, 'mean_run_s', stamp(mean_s + RUN_TIME_WEIGHT * (run_s - mean_s)))
end

-- Nobody will know of the question any more, so nobody could have them forgotten.
local function drop_words(conversation, source)
  local newest = read_source(redis.call('HGET', key('sources', conversation), source))
  for revision = 0, newest do
    local id = tenant_of(conversation) .. ':' .. source .. ':' .. revision
    if redis.call('HGET', key('job', id), 'delivered') then redis.call('DEL', key('words', id), key('answers', id)) end
  end
end

-- Questions without a turn, of which no id is known any more either: no turn takes them along.
local function drop_unanswered(conversation)
  for _, source in ipairs(redis.call('HKEYS', key('sources', conversation))) do
    local newest = read_source(redis.call('HGET', key('sources', conversation), source))
    local is_known = redis.call('EXISTS', key('job', tenant_of(conversation) .. ':' .. source .. ':' .. newest)) == 1
    if not is_known and redis.call('HEXISTS', key('turns', conversation), source) == 0 then
      drop_question(conversation, source)
    end
  end
end

-- Of a conversation that never rests the latest turns: see TURNS_KEPT.
local function keep_turn(conversation, source, turn)
  local order = key('order', conversation.id)
  if redis.call('HSET', key('turns', conversation.id), source, turn) == 1 then redis.call('RPUSH', order, source) end
  if redis.call('LLEN', order) <= 2 * TURNS_KEPT then return end
  for _, old in ipairs(redis.call('LRANGE', order, 0, -TURNS_KEPT - 1)) do
    drop_words(conversation.id, old)
    drop_question(conversation.id, old)
  end
  drop_unanswered(conversation.id)
  raise_epoch(conversation)
  release_orphans(conversation.id)
end

-- job, attempt, epoch of the claim, ending, '1' when it is an answer, source of the turn, turn ('' for none)
-- -> 0 when fenced, the conversation's epoch when the answer rests on what was forgotten since
register('commit', function(id, attempt, epoch, ending, answered, source, turn)
  local job = read_job(id)
  if job and job.committed == attempt then return 1 end  -- a lost response
  if not owns(job, attempt) then return 0 end
  local since = not job.cancel and epoch_since(job, epoch)
  if since then return since end
  set(job, 'committed', attempt)
  if job.cancel == 'forgotten' then
    end_job(job, ENDED_FORGOTTEN)
    return 1
  end
  local conversation = read_conversation(job.conversation)
  if epoch_since(job, epoch) then  -- it was asked to end: nothing is begun anew, and nothing of it is kept
    use(conversation)
    take_back_words(id)
    end_job(job, cancelled(job.cancel))
    return 1
  end
  if answered == '1' then measure_run(job) end
  if turn == '' then
    use(conversation)
  else
    use(conversation, 'worker', job.worker)
    keep_turn(conversation, source, turn)
  end
  -- A newer revision of it speaks in the same place.
  end_job(job, job.cancel == 'superseded' and cancelled(job.cancel) or ending)
  return 1
end, DRAINS)

-- {worker, claims = {{job, attempt}, ...}, read}; read: id of the last forgetting this worker knows of
-- -> {cancellations = {{job, reason}, ...}, fenced = {job, ...}, forgettings = {{conversation, epoch}, ...}, read}
register('heartbeat', function(request)
  local a = cjson.decode(request)
  local cancellations, fenced, forgettings, read = {}, {}, {}, a.read
  mark_live(a.worker)
  for _, claim in ipairs(a.claims) do
    local job, attempt = read_job(claim[1]), claim[2]
    if owns(job, attempt) then
      redis.call('ZADD', RUNNING, stamp(now() + LEASE_S), job.id)
      if job.cancel then table.insert(cancellations, {job.id, job.cancel}) end
    elseif not job or job.committed ~= attempt then
      table.insert(fenced, claim[1])
    end
  end
  for _, entry in ipairs(redis.call('XRANGE', FORGOTTEN, '(' .. a.read, '+', 'COUNT', 1000)) do
    read = entry[1]
    table.insert(forgettings, {entry[2][2], entry[2][4]})
  end
  return {cancellations, fenced, forgettings, read}
end, DRAINS)
