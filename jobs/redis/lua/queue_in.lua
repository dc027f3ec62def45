-- The chat side's end of the queue. A source is escaped as in a job's id, so ids can be put together from it.

-- What the asker sent; once it is forgotten, only where the answer goes.
local function question_of(id)
  return redis.call('HGET', key('words', id), 'job') or redis.call('HGET', key('job', id), 'husk')
end

local function joined(id, call)
  local known = redis.call('HMGET', key('job', id), 'accepted', 'call')
  -- The same call once more is our client asking again after a lost response: it was the first.
  if known[2] == call then return {'accepted', known[1]} end
  return {'joined', known[1], question_of(id)}
end

local function refusal(tenant, freed)
  if redis.call('ZCARD', WAITING) - freed >= MAX_WAITING then return 'queue_full' end
  local waiting = tonumber(redis.call('HGET', TENANTS, tenant) or 0)
  if waiting - freed >= MAX_WAITING_PER_TENANT then return 'tenant_queue_full' end
end

-- The newer revision speaks in the same place: what the older one would still say there comes too late.
local function supersede(older)
  if older.state ~= 'ended' then
    cancel(older, cancelled('superseded'), 'superseded')
  elseif not older.delivered then
    set(older, 'holder', '')
    close_delivery(older)
  end
end

-- Its place in the line, its deadline and its delivery.
local function accept(a, conversation, question, husk)
  local job = {
    is_new = true, id = a.id, conversation = a.conversation, source = a.source, words = {question},
    state = a.ready and 'ready' or 'submitted', attempt = '0',
    accepted = stamp(now()), deadline = stamp(now() + a.patience_s),
  }
  set(job, 'conversation', job.conversation, 'source', job.source, 'state', job.state, 'attempt', job.attempt,
    'accepted', job.accepted, 'deadline', job.deadline, 'patience_s', a.patience_s,
    'holder', a.holder, 'call', a.call, 'husk', husk)
  redis.call('HSET', key('words', job.id), 'job', question)
  redis.call('ZADD', key('deliveries', platform_of(job.conversation)), stamp(now() + LEASE_S), job.id)
  use(conversation, 'last_source', job.source)
  keep_source(job.conversation, job.source, a.revision, a.asker)
  local place = redis.call('RPUSH', key('line', job.conversation), job.id)
  if a.ready and place == 1 then make_claimable(job, conversation) end
  if job.state ~= 'running' then wait_for_start(job, conversation.tenant) end
  return {'accepted', job.accepted}
end

-- {id, conversation, source, revision, asker, holder, call, patience_s, ready}, job, husk
-- -> {'accepted', at}, {'joined', at, job} or {'queue_full' | 'tenant_queue_full' | 'not_the_last_turn'}
register('submit', function(request, question, husk)
  local a = cjson.decode(request)
  if redis.call('EXISTS', key('job', a.id)) == 1 then return joined(a.id, a.call) end
  local conversation = open_conversation(a.conversation)

  local revision, first_asker = read_source(redis.call('HGET', key('sources', a.conversation), a.source))
  local newest = revision >= 0 and read_job(conversation.tenant .. ':' .. a.source .. ':' .. revision)
  if newest and revision > a.revision then return joined(newest.id, a.call) end
  if a.revision > 0 and conversation.last_source ~= a.source then return {'not_the_last_turn'} end

  local freed = newest and redis.call('ZSCORE', WAITING, newest.id) and 1 or 0
  local refused = refusal(conversation.tenant, freed)
  if refused then return {refused} end
  if newest then supersede(newest) end
  if revision >= 0 then a.asker = first_asker end  -- whoever has it answered again, it is the question of one person
  return accept(a, conversation, question, husk)
end)

-- job, pictures, notices
register('attach', function(id, pictures, notices)
  local job = read_job(id)
  if job and job.state == 'submitted' then
    local conversation = open_conversation(job.conversation)
    redis.call('HSET', key('words', id), 'pictures', pictures, 'notices', notices)
    bring(job.conversation, job.source, digests_left(job.conversation, job.source, cjson.decode(pictures)))
    set(job, 'state', 'ready')
    release_orphans(job.conversation)
    use(conversation)
    promote(job.conversation)
  elseif job and job.state == 'ended' then
    release_orphans(job.conversation)  -- stopped, edited or forgotten while its pictures came in: nobody answers with them
  end
end, DRAINS)

-- job, ending, reason -> 1 unless it had ended already or is unknown
register('end', function(id, ending, reason)
  local job = read_job(id)
  if not job or job.state == 'ended' then return 0 end
  cancel(job, ending, reason)
  return 1
end, DRAINS)

-- job -> {jobs ahead, expected wait in seconds or false}, false when it does not wait
register('position', function(id)
  local job = read_job(id)
  if not job or (job.state ~= 'submitted' and job.state ~= 'ready') then return false end
  local line = key('line', job.conversation)
  local head = redis.call('LINDEX', line, 0)
  local ahead = redis.call('LPOS', line, id)
  if redis.call('ZSCORE', RUNNING, head) then ahead = ahead - 1 end
  -- A head that is not ready yet is counted where it would stand if it became ready now.
  local others = redis.call('ZRANK', READY, head)
    or redis.call('ZCOUNT', READY, '-inf', '(' .. next_finish(read_times(tenant_of(job.conversation))))
  ahead = ahead + others

  local mean_run_s = redis.call('HGET', GAUGES, 'mean_run_s')
  if not mean_run_s then return {ahead, false} end
  local running = redis.call('ZCARD', RUNNING)
  local turns = running > 0 and ahead + 1 or ahead
  return {ahead, stamp(turns * tonumber(mean_run_s) / math.max(1, running))}
end, READS)

-- job -> {1 while it has not ended, its ending}: {0, false} when nothing is known of it (any more)
register('ending', function(id)
  local job = read_job(id)
  return {job and job.state ~= 'ended' and 1 or 0, redis.call('HGET', key('words', id), 'ending')}
end, READS)
