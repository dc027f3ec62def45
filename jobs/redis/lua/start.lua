-- From ready to running: who may start which job, and how it gets there.
--
-- A call of `claim` that finds nothing leaves its name in IDLE and reads its own stream `inbox:<call>` in a blocking
-- read. Whatever makes a job claimable gives it to a waiting call at once: the worker has it after one round trip and
-- one fsync, and no wake-up can be lost. A call that is asked again after a lost response finds its jobs in its inbox.

local FACTS = {
  'conversation', 'source', 'state', 'accepted', 'deadline', 'attempt', 'finish', 'held_until', 'started', 'written',
  'worker', 'claimed_by', 'committed', 'cancel', 'holder', 'delivered',
}

-- A job's facts as a table of strings, or nil when it is unknown. Facts that are not set are false.
local function read_job(id)
  local values = redis.call('HMGET', key('job', id), unpack(FACTS))
  if not values[1] then return nil end
  local job = {id = id}
  for i, name in ipairs(FACTS) do job[name] = values[i] end
  return job
end

local function set(job, ...) redis.call('HSET', key('job', job.id), ...) end

local function wait_for_start(job, tenant)
  redis.call('ZADD', WAITING, job.deadline, job.id)
  redis.call('HINCRBY', TENANTS, tenant, 1)
end

local function stop_waiting(job, tenant)
  local waited = redis.call('ZREM', WAITING, job.id) == 1
  if waited and redis.call('HINCRBY', TENANTS, tenant, -1) == 0 then
    redis.call('HDEL', TENANTS, tenant)
    redis.call('HDEL', FAIRNESS, tenant)  -- each of its turns has begun or was given back: it has no claim on the past
  end
end

-- ---------------------------------------------------------------- fairness between tenants

-- Virtual time is the finish of the job started last; '*' among the tenants' own latest finishes.
local function read_times(tenant)
  local times = redis.call('HMGET', FAIRNESS, '*', tenant)
  return {now = tonumber(times[1] or 0), latest = tonumber(times[2] or 0)}
end

-- Start-time fair queueing: each tenant's jobs finish one virtual second apart, whatever its number of jobs.
local function next_finish(times) return math.max(times.now, times.latest) + 1 end

local function pass_virtual_time(times, finish) redis.call('HSET', FAIRNESS, '*', math.max(times.now, finish)) end

-- Nobody began it: where its turn is still to come, another question of the tenant may have it.
local function give_back_turn(job, tenant)
  local is_to_come = job.finish and tonumber(job.finish) > read_times(tenant).now
  if is_to_come then redis.call('HINCRBYFLOAT', FAIRNESS, tenant, -1) end
end

-- ---------------------------------------------------------------- starting

local function mark_live(worker)  -- until its next heartbeat is overdue
  redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', stamp(now()))
  redis.call('ZADD', WORKERS, stamp(now() + LEASE_S), worker)
  expire(WORKERS, LEASE_S)
end

local function is_live(worker) return tonumber(redis.call('ZSCORE', WORKERS, worker) or 0) > now() end

-- Nobody starts what the reaper is about to give up.
local function is_overdue(job) return job.state ~= 'running' and tonumber(job.deadline) <= now() end

-- Until when the conversation is left to the live worker that holds its cache; 0 when this worker may have it.
local function held_until(job, conversation, worker)
  local held, keeper = tonumber(job.held_until), conversation.worker
  if held <= now() or not keeper or keeper == worker then return 0 end
  return is_live(keeper) and held or 0
end

local function start(job, conversation, worker, call)
  if not conversation.epoch then use(conversation) end  -- it waited for longer than anything is kept
  local times = job.times or read_times(conversation.tenant)
  local words = job.words or redis.call('HMGET', key('words', job.id), 'job', 'pictures', 'notices')
  if not job.is_new then
    redis.call('ZREM', READY, job.id)
    stop_waiting(job, conversation.tenant)
  end
  redis.call('ZADD', RUNNING, stamp(now() + LEASE_S), job.id)
  pass_virtual_time(times, tonumber(job.finish))
  local attempt = tonumber(job.attempt) + 1
  job.state = 'running'
  set(job, 'state', job.state, 'attempt', attempt, 'finish', job.finish, 'started', stamp(now()), 'written', 0,
    'worker', worker, 'claimed_by', call)
  redis.call('XADD', key('answers', job.id), '*', 'event', cjson.encode({type = 'started', attempt = attempt}))
  redis.call('XADD', key('inbox', call), '*', 'id', job.id, 'job', words[1] or '', 'accepted', job.accepted,
    'pictures', words[2] or '[]', 'notices', words[3] or '[]', 'attempt', attempt, 'epoch', conversation.epoch)
end

-- The first waiting call that may have the job gets it. If none may yet, all are told to look again.
local function give_to_waiting(job, conversation)
  local waiting = redis.call('ZRANGEBYSCORE', IDLE, stamp(now()), '+inf')
  for _, name in ipairs(waiting) do
    local call, worker = string.match(name, '^(%S+) (.*)$')
    if held_until(job, conversation, worker) == 0 then
      redis.call('ZREM', IDLE, name)
      start(job, conversation, worker, call)
      expire(key('inbox', call), LEASE_S)
      return true
    end
  end
  for _, name in ipairs(waiting) do
    local call = string.match(name, '^%S+')
    redis.call('ZREM', IDLE, name)
    redis.call('XADD', key('inbox', call), '*', 'look', 'again')
    expire(key('inbox', call), LEASE_S)
  end
  return false
end

-- ---------------------------------------------------------------- becoming claimable

local function make_claimable(job, conversation)
  local has_no_place = not job.finish
  if has_no_place then
    job.times = read_times(conversation.tenant)
    job.finish, job.held_until = next_finish(job.times), stamp(now() + AFFINITY_S)
  end
  if not is_overdue(job) and give_to_waiting(job, conversation) then return end
  redis.call('ZADD', READY, job.finish, job.id)
  if has_no_place then
    redis.call('HSET', FAIRNESS, conversation.tenant, job.finish)
    set(job, 'finish', job.finish, 'held_until', job.held_until)
  end
end

local function promote(conversation)
  local head = redis.call('LINDEX', key('line', conversation), 0)
  local job = head and read_job(head)
  if job and job.state == 'ready' then make_claimable(job, read_conversation(conversation)) end
end

-- From a lost or leaving worker back to its own place in the order, open to every worker. It waits like any other, with
-- its whole patience again.
local function take_back(job)
  redis.call('ZREM', RUNNING, job.id)
  job.state, job.held_until = 'ready', '0'
  job.deadline = stamp(now() + tonumber(redis.call('HGET', key('job', job.id), 'patience_s')))
  set(job, 'state', job.state, 'held_until', job.held_until, 'deadline', job.deadline)
  wait_for_start(job, tenant_of(job.conversation))
  promote(job.conversation)
end
