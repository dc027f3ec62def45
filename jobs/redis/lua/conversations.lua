-- Histories, and forgetting them. A source is escaped as in a job's id, so ids can be put together from it.

-- args: conversation; {epoch, turns oldest first}
register('load', function(_, args)
  local conversation = args[1]
  local epoch = use(conversation)
  local order = redis.call('LRANGE', key('order', conversation), 0, -1)
  local turns = {}
  for _, source in ipairs(order) do
    table.insert(turns, redis.call('HGET', key('turns', conversation), source))
  end
  return {epoch, turns}
end)

-- No cache of before can be mistaken, and every worker is told.
local function raise_epoch(conversation)
  local epoch = string.format('%.0f', math.max(use(conversation) + 1, math.floor(now() * 1000)))
  redis.call('HSET', key('conversation', conversation), 'epoch', epoch)
  redis.call('HDEL', key('conversation', conversation), 'worker')
  redis.call('XADD', FORGOTTEN, 'MAXLEN', '~', 10000, '*', 'conversation', conversation, 'epoch', epoch)
  expire(FORGOTTEN, RETENTION_S)
end

-- Take the words out of a job: what was asked, by whom, with which pictures, and what was answered.
local function scrub(id)
  local state = facts(id, 'state')
  if not state then return end
  redis.call('DEL', key('words', id), key('answers', id))
  if state == 'ended' then
    write_ending(id, ENDED_FORGOTTEN)
  else
    cancel(id, ENDED_FORGOTTEN, 'forgotten')
  end
end

-- Every revision of one question.
local function scrub_source(conversation, source)
  local newest = tonumber(redis.call('HGET', key('newest', conversation), source) or -1)
  for revision = 0, newest do scrub(tenant_of(conversation) .. ':' .. source .. ':' .. revision) end
end

-- args: conversation; how many {conversations, turns, pictures} are gone
register('forget', function(_, args)
  local conversation = args[1]
  local turns = redis.call('LLEN', key('order', conversation))
  local sources = redis.call('HKEYS', key('askers', conversation))
  local digests = redis.call('SMEMBERS', key('pictures', conversation))
  raise_epoch(conversation)
  for _, source in ipairs(sources) do scrub_source(conversation, source) end
  for _, asker in ipairs(redis.call('HVALS', key('askers', conversation))) do
    redis.call('SREM', key('asked', tenant_of(conversation), asker), conversation)
  end
  local pictures = release_pictures(conversation, digests)
  for _, kind in ipairs({'turns', 'order', 'askers', 'brought'}) do redis.call('DEL', key(kind, conversation)) end
  redis.call('HDEL', key('conversation', conversation), 'last_source')
  return {(#sources + turns + #digests > 0) and 1 or 0, turns, pictures}
end, {'allow-oom'})

local function takes_in_pictures(conversation)
  for _, id in ipairs(redis.call('LRANGE', key('line', conversation), 0, -1)) do
    if facts(id, 'state') == 'submitted' then return true end
  end
  return false
end

local function forget_asker_of(conversation, source)
  local asker = redis.call('HGET', key('askers', conversation), source)
  redis.call('HDEL', key('askers', conversation), source)
  for _, other in ipairs(redis.call('HVALS', key('askers', conversation))) do
    if other == asker then return end
  end
  redis.call('SREM', key('asked', tenant_of(conversation), asker), conversation)
end

-- args: conversation, source; how many {conversations, turns, pictures} are gone
register('forget_source', function(_, args)
  local conversation, source = args[1], args[2]
  if redis.call('HEXISTS', key('askers', conversation), source) == 0 then return {0, 0, 0} end
  raise_epoch(conversation)
  scrub_source(conversation, source)
  local turns = redis.call('HDEL', key('turns', conversation), source)
  redis.call('LREM', key('order', conversation), 1, source)
  redis.call('HDEL', key('brought', conversation), source)
  forget_asker_of(conversation, source)

  local pictures = 0
  if not takes_in_pictures(conversation) then  -- else some belong to a question that has not said so yet
    pictures = release_pictures(conversation, brought_by_nobody(conversation))
  end
  if redis.call('HGET', key('conversation', conversation), 'last_source') == source then
    local tail = redis.call('LINDEX', key('line', conversation), -1)
    local last = tail and facts(tail, 'source') or redis.call('LINDEX', key('order', conversation), -1)
    redis.call('HSET', key('conversation', conversation), 'last_source', last or '')
  end
  local left = redis.call('EXISTS', key('askers', conversation))
  return {1 - left, turns, pictures}
end, {'allow-oom'})

-- args: tenant, asker; {conversation, source} of every question
register('asked', function(_, args)
  local asked = {}
  for _, conversation in ipairs(redis.call('SMEMBERS', key('asked', args[1], args[2]))) do
    local askers = redis.call('HGETALL', key('askers', conversation))
    for i = 1, #askers, 2 do
      if askers[i + 1] == args[2] then table.insert(asked, {conversation, askers[i]}) end
    end
  end
  return asked
end, {'no-writes'})
