-- What is owed to the askers, and which bot process sees it through: `deliveries:<platform>`, by end of lease.

local function deliveries_of(id)
  return key('deliveries', platform_of(facts(id, 'conversation')))
end

-- args: {holder, platforms, limit}; {job, whether its pictures are in, posted} of each delivery taken over
register('adopt', function(_, args)
  local a, time = cjson.decode(args[1]), now()
  local adopted = {}
  for _, platform in ipairs(a.platforms) do
    local deliveries, room = key('deliveries', platform), a.limit - #adopted
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', deliveries, '-inf', stamp(time), 'LIMIT', 0, room)) do
      local state, posted = facts(id, 'state', 'posted')
      if state then
        set(id, 'holder', a.holder)
        redis.call('ZADD', deliveries, stamp(time + LEASE_S), id)
        local accepted = facts(id, 'accepted')
        table.insert(adopted, {id, job_of(id), accepted, state == 'submitted' and 0 or 1, posted or '[]'})
      else
        redis.call('ZREM', deliveries, id)  -- nobody came for it as long as anything is kept
      end
    end
  end
  return adopted
end, {'allow-oom'})

-- args: {holder, jobs}; those that are no longer the holder's
register('renew', function(_, args)
  local a, until_time = cjson.decode(args[1]), stamp(now() + LEASE_S)
  local lost = {}
  for _, id in ipairs(a.jobs) do
    if facts(id, 'holder') == a.holder then
      redis.call('ZADD', deliveries_of(id), 'XX', until_time, id)
    else
      table.insert(lost, id)
    end
  end
  return lost
end, {'allow-oom'})

-- args: holder, job, posted; 0 when another process holds it
register('record', function(_, args)
  local holder, id, posted = unpack(args)
  if facts(id, 'holder') ~= holder then return 0 end
  set(id, 'posted', posted)
  return 1
end, {'allow-oom'})

-- args: holder, job; 0 when another process holds it
register('close', function(_, args)
  local holder, id = unpack(args)
  if facts(id, 'holder') ~= holder then return 0 end
  redis.call('ZREM', deliveries_of(id), id)
  set(id, 'delivered', 1)
  settle(id)
  return 1
end, {'allow-oom'})

-- args: name, holder; 1 when it is the holder's for one more lease time
register('hold', function(_, args)
  local lease, holder = key('lease', args[1]), args[2]
  local current = redis.call('GET', lease)
  if current and current ~= holder then return 0 end
  redis.call('SET', lease, holder, 'PX', math.ceil(LEASE_S * 1000))
  return 1
end, {'allow-oom'})

-- args: name, holder
register('release', function(_, args)
  local lease, holder = key('lease', args[1]), args[2]
  if redis.call('GET', lease) == holder then redis.call('DEL', lease) end
end, {'allow-oom'})
