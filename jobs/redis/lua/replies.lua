-- What is owed to the askers, and which bot process sees it through: `deliveries:<platform>`, by end of lease. A job
-- that nothing is known of is nobody else's: its holder finds it gone and says so.

-- {holder, platforms, limit} -> {id, job, accepted at, whether its pictures are in, posted} of each taken over
register('adopt', function(request)
  local a = cjson.decode(request)
  local adopted = {}
  for _, platform in ipairs(a.platforms) do
    local deliveries, room = key('deliveries', platform), a.limit - #adopted
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', deliveries, '-inf', stamp(now()), 'LIMIT', 0, room)) do
      local job = read_job(id)
      if job then
        set(job, 'holder', a.holder)
        redis.call('ZADD', deliveries, stamp(now() + LEASE_S), id)
        local posted = redis.call('HGET', key('job', id), 'posted') or '[]'
        table.insert(adopted, {id, question_of(id), job.accepted, job.state == 'submitted' and 0 or 1, posted})
      else
        redis.call('ZREM', deliveries, id)  -- nobody came for it as long as anything is kept
      end
    end
  end
  return adopted
end, DRAINS)

-- {holder, jobs} -> those that are no longer the holder's
register('renew', function(request)
  local a = cjson.decode(request)
  local lost = {}
  for _, id in ipairs(a.jobs) do
    local job = read_job(id)
    if job and job.holder ~= a.holder then
      table.insert(lost, id)
    elseif job then
      redis.call('ZADD', deliveries_of(job), 'XX', stamp(now() + LEASE_S), id)
    end
  end
  return lost
end, DRAINS)

-- holder, job, posted -> 0 when another process holds it
register('record', function(holder, id, posted)
  local job = read_job(id)
  if not job then return 1 end
  if job.holder ~= holder then return 0 end
  set(job, 'posted', posted)
  return 1
end, DRAINS)

-- holder, job -> 0 when another process holds it
register('close', function(holder, id)
  local job = read_job(id)
  if not job then return 1 end
  if job.holder ~= holder then return 0 end
  close_delivery(job)
  if job.state == 'ended' then release_orphans(job.conversation) end  -- its intake may have been broken off
  return 1
end, DRAINS)

-- name, holder -> 1 when it is the holder's for one more lease time
register('hold', function(name, holder)
  local current = redis.call('GET', key('lease', name))
  if current and current ~= holder then return 0 end
  redis.call('SET', key('lease', name), holder, 'PX', math.ceil(LEASE_S * 1000))
  return 1
end, DRAINS)

-- name, holder
register('release', function(name, holder)
  if redis.call('GET', key('lease', name)) == holder then redis.call('DEL', key('lease', name)) end
end, DRAINS)
