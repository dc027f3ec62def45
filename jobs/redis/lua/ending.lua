-- A job's end: exactly one, whoever brings it about.

local ENDED_FORGOTTEN = '{"type":"cancelled","reason":"forgotten"}'

local function cancelled(reason) return cjson.encode({type = 'cancelled', reason = reason}) end

-- Until it is delivered everything is kept as long as the history is; then only its id is remembered for long.
local function settle(job)
  if job.state ~= 'ended' then return end
  if job.delivered then
    expire(key('job', job.id), REMEMBER_IDS_S)
    expire(key('words', job.id), math.min(REMEMBER_IDS_S, RETENTION_S))
  else
    expire(key('job', job.id), math.max(REMEMBER_IDS_S, RETENTION_S))
    expire(key('words', job.id), RETENTION_S)
  end
end

local function write_ending(job, ending)
  redis.call('HSET', key('words', job.id), 'ending', ending)
  redis.call('XADD', key('answers', job.id), '*', 'ending', ending)
  expire(key('answers', job.id), math.min(ANSWER_KEPT_S, RETENTION_S))
  settle(job)
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
  if took_in then release_orphans(job.conversation) end
  promote(job.conversation)
  expire_unswept(job.conversation)
end

-- End a waiting job, ask a running one to end; the first reason stands, except that forgetting outranks all.
local function cancel(job, ending, reason)
  if job.state == 'submitted' or job.state == 'ready' then
    end_job(job, ending)
  elseif job.state == 'running' and (not job.cancel or reason == 'forgotten') then
    set(job, 'cancel', reason)
  end
end
