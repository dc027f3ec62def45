-- Histories, and forgetting them.

-- args: conversation; {epoch, turns oldest first}
register('load', function(_, args)
  local conversation = args[1]
  drop_if_expired(conversation)
  local epoch = epoch_of(conversation)
  use(conversation)
  expire_unswept(conversation)
  local turns = {}
  for _, source in ipairs(redis.call('LRANGE', key('order', conversation), 0, -1)) do
    table.insert(turns, redis.call('HGET', key('turns', conversation), source))
  end
  return {tonumber(epoch), turns}
end)

-- Take the words out of a job: what was asked, by whom, with which pictures, and what was answered.
local function scrub(id)
  local state, call = facts(id, 'state', 'claimed_by')
  if not state then return end
  redis.call('DEL', key('words', id), key('answers', id), key('inbox', call or ''))
  if state == 'ended' then
    write_ending(id, ENDED_FORGOTTEN)
  else
    cancel(id, ENDED_FORGOTTEN, 'forgotten')
  end
end

-- Every revision of one question.
local function scrub_source(conversation, source)
  local newest = read_source(redis.call('HGET', key('sources', conversation), source))
  for revision = 0, newest do scrub(tenant_of(conversation) .. ':' .. source .. ':' .. revision) end
end

-- args: conversation; how many {conversations, turns, pictures} are gone
register('forget', function(_, args)
  local conversation = args[1]
  drop_if_expired(conversation)
  local turns = redis.call('LLEN', key('order', conversation))
  local sources = redis.call('HKEYS', key('sources', conversation))
  local digests = redis.call('SMEMBERS', key('pictures', conversation))
  for _, source in ipairs(sources) do scrub_source(conversation, source) end
  local pictures = release_pictures(conversation, digests)
  drop_conversation(conversation)
  return {(#sources + #digests > 0) and 1 or 0, turns, pictures}
end, {'allow-oom'})

local function takes_in_pictures(conversation)
  for _, id in ipairs(redis.call('LRANGE', key('line', conversation), 0, -1)) do
    if facts(id, 'state') == 'submitted' then return true end
  end
  return false
end

-- args: conversation, source; how many {conversations, turns, pictures} are gone
register('forget_source', function(_, args)
  local conversation, source = args[1], args[2]
  drop_if_expired(conversation)
  if redis.call('HEXISTS', key('sources', conversation), source) == 0 then return {0, 0, 0} end
  raise_epoch(conversation)
  scrub_source(conversation, source)
  local turns = redis.call('HDEL', key('turns', conversation), source)
  redis.call('LREM', key('order', conversation), 1, source)
  redis.call('HDEL', key('brought', conversation), source)
  drop_source(conversation, source)

  local pictures = 0
  if not takes_in_pictures(conversation) then  -- else some belong to a question that has not said so yet
    pictures = release_pictures(conversation, brought_by_nobody(conversation))
  end
  if redis.call('HGET', key('conversation', conversation), 'last_source') == source then
    local tail = redis.call('LINDEX', key('line', conversation), -1)
    local last = tail and facts(tail, 'source') or redis.call('LINDEX', key('order', conversation), -1)
    redis.call('HSET', key('conversation', conversation), 'last_source', last or '')
  end
  return {1 - redis.call('EXISTS', key('sources', conversation)), turns, pictures}
end, {'allow-oom'})

-- args: tenant, asker; {conversation, source} of every question
register('asked', function(_, args)
  local tenant, asker, asked = args[1], args[2], {}
  for _, conversation in ipairs(redis.call('SMEMBERS', key('asked', tenant .. ':' .. asker))) do
    local sources = redis.call('HGETALL', key('sources', conversation))
    for i = 1, #sources, 2 do
      local _, by = read_source(sources[i + 1])
      if by == asker then table.insert(asked, {conversation, sources[i]}) end
    end
  end
  return asked
end, {'no-writes'})
