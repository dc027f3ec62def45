-- The chat side's end of the queue. A source is escaped as in a job's id, so ids can be put together from it.

local function joined(id, call)
  local accepted, first_call = facts(id, 'accepted', 'call')
  -- The same call once more is our client asking again after a lost response: it was the first.
  return {first_call == call and 'accepted' or 'joined', job_of(id), accepted}
end

local function refusal(tenant, freed)
  local waiting = redis.call('HMGET', WAITING, '*', tenant)
  if tonumber(waiting[1] or 0) - freed >= MAX_WAITING then return 'queue_full' end
  if tonumber(waiting[2] or 0) - freed >= MAX_WAITING_PER_TENANT then return 'tenant_queue_full' end
end

-- Its place in the line, its deadline and its delivery; returns whether it heads the line.
local function accept(a, tenant, time, job, husk)
  local deadline = stamp(time + a.patience_s)
  set(a.id, 'conversation', a.conversation, 'source', a.source, 'state', a.ready and 'ready' or 'submitted',
    'attempt', 0, 'accepted', stamp(time), 'deadline', deadline, 'patience_s', a.patience_s,
    'holder', a.holder, 'call', a.call, 'husk', husk)
  redis.call('HSET', key('words', a.id), 'job', job)
  redis.call('ZADD', DEADLINES, deadline, a.id)
  redis.call('ZADD', key('deliveries', platform_of(a.conversation)), stamp(time + LEASE_S), a.id)
  redis.call('HSET', key('conversation', a.conversation), 'last_source', a.source)
  keep_source(a.conversation, a.source, a.revision, a.asker)
  count_waiting(tenant, 1)
  use(a.conversation)
  return redis.call('RPUSH', key('line', a.conversation), a.id) == 1
end

-- args: {id, conversation, source, revision, asker, holder, call, patience_s, ready}, job, husk
-- {'accepted' | 'joined', job, accepted at} or {'queue_full' | 'tenant_queue_full' | 'not_the_last_turn'}
register('submit', function(_, args)
  local a, job, husk = cjson.decode(args[1]), args[2], args[3]
  local tenant, time = tenant_of(a.conversation), now()
  if redis.call('EXISTS', key('job', a.id)) == 1 then return joined(a.id, a.call) end
  drop_if_expired(a.conversation)

  local newest_revision = read_source(redis.call('HGET', key('sources', a.conversation), a.source))
  local newest = tenant .. ':' .. a.source .. ':' .. newest_revision
  local newest_state = newest_revision >= 0 and facts(newest, 'state')
  if newest_state and newest_revision > a.revision then return joined(newest, a.call) end
  if a.revision > 0 and redis.call('HGET', key('conversation', a.conversation), 'last_source') ~= a.source then
    return {'not_the_last_turn'}
  end
  local refused = refusal(tenant, (newest_state == 'submitted' or newest_state == 'ready') and 1 or 0)
  if refused then return {refused} end

  if newest_state then
    cancel(newest, cjson.encode({type = 'cancelled', reason = 'superseded'}), 'superseded')
  end
  local heads_line = accept(a, tenant, time, job, husk)
  if a.ready and heads_line then make_claimable(a.id, a.conversation) end
  return {'accepted', job, stamp(time)}
end)

-- args: job, pictures, notices, digests separated by spaces
register('attach', function(_, args)
  local id, pictures, notices, digests = unpack(args)
  local conversation, state, source = facts(id, 'conversation', 'state', 'source')
  if state == 'submitted' then
    redis.call('HSET', key('words', id), 'pictures', pictures, 'notices', notices)
    redis.call('HSET', key('brought', conversation), source, digests)
    set(id, 'state', 'ready')
    use(conversation)
    promote(conversation)
  elseif state == 'ended' and redis.call('HEXISTS', key('words', id), 'pictures') == 0 then
    -- It was stopped or forgotten while its pictures came in: nobody will answer with them.
    local orphans = {}
    for _, digest in ipairs(brought_by_nobody(conversation)) do
      if string.find(digests, digest, 1, true) then table.insert(orphans, digest) end
    end
    release_pictures(conversation, orphans)
  end
end)

-- args: job, ending, reason; 1 unless it had ended already or is unknown
register('end', function(_, args)
  local state = facts(args[1], 'state')
  if not state or state == 'ended' then return 0 end
  cancel(args[1], args[2], args[3])
  return 1
end, {'allow-oom'})

-- args: job; {jobs ahead, expected wait in seconds or false}, false when it does not wait
register('position', function(_, args)
  local id = args[1]
  local state, conversation = facts(id, 'state', 'conversation')
  if state ~= 'submitted' and state ~= 'ready' then return false end
  local line = key('line', conversation)
  local head = redis.call('LINDEX', line, 0)
  local ahead = redis.call('LPOS', line, id)
  if facts(head, 'state') == 'running' then ahead = ahead - 1 end
  -- A head that is not ready yet is counted where it would stand if it became ready now.
  local others = redis.call('ZRANK', READY, head)
    or redis.call('ZCOUNT', READY, '-inf', '(' .. next_finish(tenant_of(conversation)))
  ahead = ahead + others

  local mean_run_s = redis.call('HGET', GAUGES, 'mean_run_s')
  if not mean_run_s then return {ahead, false} end
  local running = redis.call('ZCARD', RUNNING)
  local turns = running > 0 and ahead + 1 or ahead
  return {ahead, stamp(turns * tonumber(mean_run_s) / math.max(1, running))}
end, {'no-writes'})

-- args: job; {1 while it has not ended, its ending}: {0, false} when nothing is known of it (any more)
register('ending', function(_, args)
  local state = facts(args[1], 'state')
  return {state and state ~= 'ended' and 1 or 0, redis.call('HGET', key('words', args[1]), 'ending')}
end, {'no-writes'})
