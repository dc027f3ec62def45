-- A job's life: the steps that several verbs share.
--
-- A job is submitted -> ready -> running -> ended. `line:<conversation>` lists its unended jobs in the order
-- submitted. Only the head of a line may be in the sorted set `ready` or be running, so the jobs of one conversation
-- cannot overlap and start in their order. Whoever takes a head away promotes the next one in the same call.
--
-- `job:<id>`     hash, the facts: state, attempt, leases; kept to recognise retried events
-- `words:<id>`   hash, what people and the model wrote: job, pictures, notices, ending; the first to be forgotten
-- `answers:<id>` stream, the events; it expires only after its end
--
local ENDED_FORGOTTEN = '{"type":"cancelled","reason":"forgotten"}'

local function facts(id, ...) return unpack(redis.call('HMGET', key('job', id), ...)) end

local function set(id, ...) redis.call('HSET', key('job', id), ...) end

-- What the asker sent; once it is forgotten, only where the answer goes.
local function job_of(id) return redis.call('HGET', key('words', id), 'job') or facts(id, 'husk') end

local function count_waiting(tenant, change)
  redis.call('HINCRBY', WAITING, '*', change)
  if redis.call('HINCRBY', WAITING, tenant, change) == 0 then redis.call('HDEL', WAITING, tenant) end
end

-- Start-time fair queueing: each tenant's jobs finish one virtual second apart, whatever its number of jobs.
local function next_finish(tenant)
  local times = redis.call('HMGET', FAIRNESS, '*', tenant)
  return math.max(tonumber(times[1] or 0), tonumber(times[2] or 0)) + 1
end

local function make_claimable(id, tenant, finish)
  if not finish then
    finish = next_finish(tenant)
    redis.call('HSET', FAIRNESS, tenant, finish)
    set(id, 'finish', finish, 'held_until', stamp(now() + AFFINITY_S))
  end
  redis.call('ZADD', READY, finish, id)
  redis.call('XADD', WAKE, 'MAXLEN', '~', 100, '*', 'job', id)
end

local function promote(conversation)
  local head = redis.call('LINDEX', key('line', conversation), 0)
  if not head then return end
  local state, finish = facts(head, 'state', 'finish')
  if state == 'ready' and not redis.call('ZSCORE', READY, head) then
    make_claimable(head, tenant_of(conversation), finish)
  end
end

-- Until it is delivered everything is kept as long as the history is; then only its id is remembered for long.
local function settle(id)
  local state, delivered = facts(id, 'state', 'delivered')
  if state ~= 'ended' then return end
  if delivered then
    expire(key('job', id), REMEMBER_IDS_S)
    expire(key('words', id), math.min(REMEMBER_IDS_S, RETENTION_S))
  else
    expire(key('job', id), math.max(REMEMBER_IDS_S, RETENTION_S))
    expire(key('words', id), RETENTION_S)
  end
end

local function write_ending(id, ending)
  redis.call('HSET', key('words', id), 'ending', ending)
  redis.call('XADD', key('answers', id), '*', 'ending', ending)
  expire(key('answers', id), math.min(ANSWER_KEPT_S, RETENTION_S))
  settle(id)
end

-- The one place where a job ends: one terminal event, out of the line, the next one promoted.
local function end_job(id, ending)
  local conversation, state = facts(id, 'conversation', 'state')
  if state == 'running' then
    redis.call('ZREM', RUNNING, id)
  else
    redis.call('ZREM', READY, id)
    redis.call('ZREM', DEADLINES, id)
    count_waiting(tenant_of(conversation), -1)
  end
  set(id, 'state', 'ended')
  write_ending(id, ending)
  redis.call('LREM', key('line', conversation), 1, id)
  promote(conversation)
  expire_unswept(conversation)
end

-- End a waiting job, ask a running one to end; the first reason stands, except that forgetting outranks all.
local function cancel(id, ending, reason)
  local state, asked = facts(id, 'state', 'cancel')
  if state == 'submitted' or state == 'ready' then
    end_job(id, ending)
  elseif state == 'running' and (not asked or reason == 'forgotten') then
    set(id, 'cancel', reason)
  end
end
