-- A job's end: exactly one, whoever brings it about.

local ENDED_FORGOTTEN = '{"type":"cancelled","reason":"forgotten"}'

-- What the asker sent; once it is forgotten, only where the answer goes.
local function job_of(id) return redis.call('HGET', key('words', id), 'job') or facts(id, 'husk') end

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
