-- A job's end: exactly one, whoever brings it about.

local ENDED_FORGOTTEN = '{"type":"cancelled","reason":"forgotten"}'

local function cancelled(reason) return cjson.encode({type = 'cancelled', reason = reason}) end

-- Until it is delivered everything is kept as long as the history is; then only its id is remembered for long.
local function settle(job)
  if job.state ~= 'ended' then return end
  if job.delivered then
    expire(key('job', job.id), REMEMBER_IDS_S)
    expire(key('words', job.id), math.min(REMEMBER_IDS_S, RETENTION_S), 'LT')  -- of its time some may have passed
  else
    expire(key('job', job.id), math.max(REMEMBER_IDS_S, RETENTION_S))
    expire(key('words', job.id), RETENTION_S)
  end
end

local function deliveries_of(job) return key('deliveries', platform_of(job.conversation)) end

-- Nothing more is owed to whoever asked.
local function close_delivery(job)
  redis.call('ZREM', deliveries_of(job), job.id)
  job.delivered = '1'
  set(job, 'delivered', '1')
  settle(job)
end

local function write_ending(job, ending)
  redis.call('HSET', key('words', job.id), 'ending', ending)
  redis.call('XADD', key('answers', job.id), '*', 'ending', ending)
  expire(key('answers', job.id), math.min(ANSWER_KEPT_S, RETENTION_S))
  settle(job)
end

-- The pictures of a question that was not answered: nobody asks about them. Those of its intake go, whatever it had.
local function unbring_all(job, took_in)
  local has_turn = redis.call('HEXISTS', key('turns', job.conversation), job.source) == 1
  if not has_turn then
    redis.call('HDEL', key('brought', job.conversation), job.source)
    bring_under_way(job.conversation, job.source)  -- another revision of it may wait
  end
  if took_in or not has_turn then release_orphans(job.conversation) end
end

-- The one place where a job ends: one terminal event, out of the line, the next one promoted.
local function end_job(job, ending)
  local took_in = job.state == 'submitted'
  if job.state == 'running' then
    redis.call('ZREM', RUNNING, job.id)
  else
    redis.call('ZREM', READY, job.id)
    give_back_turn(job, tenant_of(job.conversation))
    stop_waiting(job, tenant_of(job.conversation))
  end
  job.state = 'ended'
  set(job, 'state', 'ended')
  write_ending(job, ending)
  redis.call('LREM', key('line', job.conversation), 1, job.id)
  unbring_all(job, took_in)
  promote(job.conversation)
  expire_unswept(job.conversation)
end

local function rank(reason) return ({superseded = 2, forgotten = 3})[reason] or 1 end

-- End a waiting job, ask a running one to end; the first reason stands, unless one outranks it: a newer revision speaks in
-- the place of one that was stopped, and forgetting outranks all.
local function cancel(job, ending, reason)
  if job.state == 'submitted' or job.state == 'ready' then
    end_job(job, ending)
  elseif job.state == 'running' and rank(reason) > (job.cancel and rank(job.cancel) or 0) then
    set(job, 'cancel', reason)
  end
end

-- From a worker that will not work on it: back in line, unless it was asked to end.
local function give_back(job)
  if job.cancel then
    end_job(job, cancelled(job.cancel))
  else
    take_back(job)
  end
end
