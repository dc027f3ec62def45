-- What is kept of a conversation, and for how long: everything goes RETENTION_S after the last use.
--
-- `conversation:<c>` hash: epoch, last_source, worker (committed the last turn, so it holds the cache)
-- `turns:<c>`        hash, source -> turn;  `order:<c>` list of those sources, oldest first
-- `sources:<c>`      hash, source -> newest revision and asker of every question: '0 ann'
-- `brought:<c>`      hash, source -> digests of its pictures, those of earlier revisions too, separated by spaces
-- `pictures:<c>`     set of the digests put for it
-- `dropped:<c>`      hash, '<source> <number>' -> picture that somebody took out of it, for each question with it
-- `withdrawn:<c>`    set of '<source> <origin>': files that were deleted while a question brought them
-- `asked:<tenant>:<asker>`    set of conversations: the index behind "forget me"
-- `picture:<tenant>:<digest>` the bytes; `users:<tenant>:<digest>` set of the conversations that use them

local OF_CONVERSATION = {'conversation', 'turns', 'order', 'sources', 'brought', 'pictures', 'dropped', 'withdrawn'}

-- Sweeping is exact, spares a conversation whose questions still wait, and tells the workers. Should both sides be
-- switched off for good, Redis still drops what is left by itself, an hour later.
local UNSWEPT_S = RETENTION_S + 3600

-- Words or pictures were dropped because somebody wanted it, or it was their time: see reaper.lua.
local function note_gone() redis.call('HINCRBY', GAUGES, 'gone', 1) end

-- ---------------------------------------------------------------- pictures

local function use_picture(picture)
  redis.call('ZADD', LRU, 'XX', stamp(now()), picture)
  expire(key('picture', picture), UNSWEPT_S)
  expire(key('users', picture), UNSWEPT_S)
end

local function drop_picture(picture)
  redis.call('DEL', key('picture', picture), key('users', picture))
  redis.call('ZREM', LRU, picture)
  local size = redis.call('HGET', SIZES, picture)
  if size then
    redis.call('HINCRBY', GAUGES, 'picture_bytes', -tonumber(size))
    redis.call('HDEL', SIZES, picture)
  end
end

local function sweep_pictures()
  local expired = redis.call('ZRANGEBYSCORE', LRU, '-inf', stamp(now() - RETENTION_S), 'LIMIT', 0, 100)
  for _, picture in ipairs(expired) do drop_picture(picture) end
  if #expired > 0 then note_gone() end
end

-- The conversation no longer uses these; how many nobody uses now, whose bytes are gone.
local function release_pictures(conversation, digests)
  local gone = 0
  for _, digest in ipairs(digests) do
    local picture = tenant_of(conversation) .. ':' .. digest
    redis.call('SREM', key('pictures', conversation), digest)
    redis.call('SREM', key('users', picture), conversation)
    if redis.call('EXISTS', key('users', picture)) == 0 then
      gone = gone + redis.call('EXISTS', key('picture', picture))
      drop_picture(picture)
    end
  end
  if gone > 0 then note_gone() end
  return gone
end

-- ---------------------------------------------------------------- questions

local function read_source(stored)  -- newest revision, asker
  local revision, asker = string.match(stored or '-1 ', '^(%S+) (.*)$')
  return tonumber(revision), asker
end

local function asked_by(conversation, asker) return key('asked', tenant_of(conversation) .. ':' .. asker) end

local function keep_source(conversation, source, revision, asker)
  redis.call('HSET', key('sources', conversation), source, revision .. ' ' .. asker)
  if asker ~= '' then redis.call('SADD', asked_by(conversation, asker), conversation) end
end

local function drop_source(conversation, source)
  local _, asker = read_source(redis.call('HGET', key('sources', conversation), source))
  redis.call('HDEL', key('sources', conversation), source)
  for _, stored in ipairs(redis.call('HVALS', key('sources', conversation))) do
    local _, other = read_source(stored)
    if other == asker then return end
  end
  redis.call('SREM', asked_by(conversation, asker), conversation)
end

-- Nothing of a question is kept -> 1 when it was answered.
local function drop_question(conversation, source)
  redis.call('HDEL', key('brought', conversation), source)
  for _, mark in ipairs(redis.call('HKEYS', key('dropped', conversation))) do
    if string.match(mark, '^%S+') == source then redis.call('HDEL', key('dropped', conversation), mark) end
  end
  for _, mark in ipairs(redis.call('SMEMBERS', key('withdrawn', conversation))) do
    if string.match(mark, '^%S+') == source then redis.call('SREM', key('withdrawn', conversation), mark) end
  end
  drop_source(conversation, source)
  note_gone()
  redis.call('LREM', key('order', conversation), 1, source)
  return redis.call('HDEL', key('turns', conversation), source)
end

-- Every source, those that wait last in line first: in this order none is started because one before it ended.
local function sources_from_behind(conversation)
  local sources, seen = {}, {}
  local function add(source)
    if seen[source] then return end
    seen[source] = true
    table.insert(sources, source)
  end
  local line = redis.call('LRANGE', key('line', conversation), 0, -1)
  for place = #line, 1, -1 do
    local source = redis.call('HGET', key('job', line[place]), 'source')
    if source and redis.call('HEXISTS', key('sources', conversation), source) == 1 then add(source) end  -- not forgotten yet
  end
  for _, source in ipairs(redis.call('HKEYS', key('sources', conversation))) do add(source) end
  return sources
end

-- ---------------------------------------------------------------- conversations

local function read_conversation(id)
  local known = redis.call('HMGET', key('conversation', id), 'epoch', 'last_source', 'worker')
  return {id = id, tenant = tenant_of(id), epoch = known[1], last_source = known[2], worker = known[3]}
end

local function epoch_now() return string.format('%.0f', now() * 1e6) end

-- Its retention time and that of its pictures start again; a new one begins. The time, in microseconds, is the epoch:
-- it rises even when nothing is remembered of the conversation's earlier life. `...`: fields to set with it.
local function use(conversation, ...)
  redis.call('ZADD', RETENTION, stamp(now() + RETENTION_S), conversation.id)
  if not conversation.epoch then
    conversation.epoch = epoch_now()
    redis.call('HSET', key('conversation', conversation.id), 'epoch', conversation.epoch, ...)
    return
  end
  if ... then redis.call('HSET', key('conversation', conversation.id), ...) end
  for _, digest in ipairs(redis.call('SMEMBERS', key('pictures', conversation.id))) do
    use_picture(conversation.tenant .. ':' .. digest)
  end
end

-- No cache of before can be mistaken, and every worker is told.
local function raise_epoch(conversation)
  local old = tonumber(conversation.epoch or 0)
  conversation.epoch = string.format('%.0f', math.max(old + 1, tonumber(epoch_now())))
  redis.call('HSET', key('conversation', conversation.id), 'epoch', conversation.epoch)
  redis.call('HDEL', key('conversation', conversation.id), 'worker')
  local oldest_ms = string.format('%.0f', math.max(0, now() - RETENTION_S) * 1000)
  redis.call('XADD', FORGOTTEN, 'MINID', oldest_ms, '*', 'conversation', conversation.id, 'epoch', conversation.epoch)
  expire(FORGOTTEN, RETENTION_S)
end

-- History, index and all. Its pictures have been released or go by their own last use.
local function drop_conversation(id)
  raise_epoch(read_conversation(id))
  for _, source in ipairs(redis.call('HKEYS', key('sources', id))) do drop_source(id, source) end
  for _, digest in ipairs(redis.call('SMEMBERS', key('pictures', id))) do
    redis.call('SREM', key('users', tenant_of(id) .. ':' .. digest), id)
  end
  for _, kind in ipairs(OF_CONVERSATION) do redis.call('DEL', key(kind, id)) end
  redis.call('ZREM', RETENTION, id)
  note_gone()
end

local function drop_if_expired(id)
  local until_time = redis.call('ZSCORE', RETENTION, id)
  if until_time and tonumber(until_time) <= now() and redis.call('EXISTS', key('line', id)) == 0 then
    drop_conversation(id)
  end
end

-- What outlived its time is not seen, swept or not.
local function open_conversation(id)
  drop_if_expired(id)
  return read_conversation(id)
end

local function sweep_conversations()
  local expired = redis.call('ZRANGEBYSCORE', RETENTION, '-inf', stamp(now()), 'LIMIT', 0, 100)
  for _, id in ipairs(expired) do drop_if_expired(id) end
end

local function expire_unswept(id)
  for _, kind in ipairs(OF_CONVERSATION) do expire(key(kind, id), UNSWEPT_S) end
  for _, stored in ipairs(redis.call('HVALS', key('sources', id))) do
    local _, asker = read_source(stored)
    expire(asked_by(id, asker), UNSWEPT_S)
  end
end
