-- From ready to running: who may start which job, and how it gets there.
--
-- A call of `claim` that finds nothing leaves its name in IDLE and reads its own stream `inbox:<call>` in a blocking
-- read. Whatever makes a job claimable gives it to a waiting call at once: the worker has it after one round trip and
-- one fsync, and no wake-up can be lost. A call that is asked again after a lost response finds its jobs in its inbox.

local function count_waiting(tenant, change)
  redis.call('HINCRBY', WAITING, '*', change)
  if redis.call('HINCRBY', WAITING, tenant, change) == 0 then redis.call('HDEL', WAITING, tenant) end
end

-- ---------------------------------------------------------------- fairness between tenants

-- Start-time fair queueing: each tenant's jobs finish one virtual second apart, whatever its number of jobs.
local function next_finish(tenant)
  local times = redis.call('HMGET', FAIRNESS, '*', tenant)
  return math.max(tonumber(times[1] or 0), tonumber(times[2] or 0)) + 1
end

-- Virtual time is the finish of the job started last. A tenant with nothing later has no claim on the past.
local function pass_virtual_time(tenant, finish)
  local times = redis.call('HMGET', FAIRNESS, '*', tenant)
  local time = math.max(tonumber(times[1] or 0), finish)
  redis.call('HSET', FAIRNESS, '*', time)
  if tonumber(times[2] or 0) <= time then redis.call('HDEL', FAIRNESS, tenant) end
end

-- ---------------------------------------------------------------- starting

local function mark_live(worker)  -- until its next heartbeat is overdue
  redis.call('SET', key('worker', worker), 1, 'PX', math.ceil(LEASE_S * 1000))
end

-- Until when the conversation is left to the live worker that holds its cache; 0 when this worker may have it.
local function held_until(conversation, held, worker, time)
  if held <= time then return 0 end
  local keeper = redis.call('HGET', key('conversation', conversation), 'worker')
  if not keeper or keeper == worker then return 0 end
  return redis.call('EXISTS', key('worker', keeper)) == 1 and held or 0
end

local function start(id, conversation, finish, worker, call, time)
  local tenant, epoch = tenant_of(conversation), epoch_of(conversation)
  local accepted, attempts = facts(id, 'accepted', 'attempt')
  local words = redis.call('HMGET', key('words', id), 'job', 'pictures', 'notices')
  local attempt = tonumber(attempts) + 1
  redis.call('ZREM', READY, id)
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZADD', RUNNING, stamp(time + LEASE_S), id)
  count_waiting(tenant, -1)
  pass_virtual_time(tenant, finish)
  set(id, 'state', 'running', 'attempt', attempt, 'worker', worker, 'claimed_by', call, 'started', stamp(time),
    'written', 0)
  redis.call('XADD', key('answers', id), '*', 'event', cjson.encode({type = 'started', attempt = attempt}))
  redis.call('XADD', key('inbox', call), '*', 'id', id, 'job', words[1] or '', 'accepted', accepted,
    'pictures', words[2] or '[]', 'notices', words[3] or '[]', 'attempt', attempt, 'epoch', epoch)
end

-- The first waiting call that may have the job gets it. Those that may not yet are told to look again.
local function give_to_waiting(id, conversation, finish, held, deadline, time)
  if deadline <= time then return false end  -- the reaper is about to tell the asker
  for _, waiting in ipairs(redis.call('ZRANGEBYSCORE', IDLE, stamp(time), '+inf')) do
    local call, worker = string.match(waiting, '^(%S+) (.*)$')
    redis.call('ZREM', IDLE, waiting)
    local free = held_until(conversation, held, worker, time) == 0
    if free then
      start(id, conversation, finish, worker, call, time)
    else
      redis.call('XADD', key('inbox', call), '*', 'look', 'again')
    end
    expire(key('inbox', call), LEASE_S)
    if free then return true end
  end
  return false
end

-- ---------------------------------------------------------------- becoming claimable

local function make_claimable(id, conversation)
  local time = now()
  local finish, held, deadline, attempt = facts(id, 'finish', 'held_until', 'deadline', 'attempt')
  if not finish then
    local tenant = tenant_of(conversation)
    finish, held = next_finish(tenant), stamp(time + AFFINITY_S)
    redis.call('HSET', FAIRNESS, tenant, finish)
    set(id, 'finish', finish, 'held_until', held)
  end
  local patience_ends = attempt == '0' and tonumber(deadline) or math.huge
  if not give_to_waiting(id, conversation, tonumber(finish), tonumber(held), patience_ends, time) then
    redis.call('ZADD', READY, finish, id)
  end
end

local function promote(conversation)
  local head = redis.call('LINDEX', key('line', conversation), 0)
  if head and facts(head, 'state') == 'ready' and not redis.call('ZSCORE', READY, head) then
    make_claimable(head, conversation)
  end
end
