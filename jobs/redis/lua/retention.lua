-- What is kept of a conversation, and for how long: everything lives until RETENTION_S after the last use.
--
-- `conversation:<c>` hash: epoch, last_source, worker (committed the last turn, so it holds the cache)
-- `turns:<c>`        hash, source -> turn;  `order:<c>` list of those sources, oldest first
-- `askers:<c>`       hash, source -> asker; `newest:<c>` hash, source -> newest revision
-- `brought:<c>`      hash, source -> digests of its pictures, separated by spaces
-- `pictures:<c>`     set of the digests put for it
-- `asked:<tenant>:<asker>`    set of conversations: the index behind "forget me"
-- `picture:<tenant>:<digest>` the bytes; `users:<tenant>:<digest>` set of the conversations that use them
-- `pictures`, `picture_sizes` all pictures by last use, and their bytes

local OF_CONVERSATION = {'conversation', 'turns', 'order', 'askers', 'newest', 'brought', 'pictures'}
local LRU, SIZES = 'threadsight:pictures', 'threadsight:picture_sizes'

local function use_picture(picture)
  redis.call('ZADD', LRU, 'XX', stamp(now()), picture)
  expire(key('picture', picture), RETENTION_S)
  expire(key('users', picture), RETENTION_S)
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

-- Redis drops expired bytes by itself; this drops them from the budget too.
local function sweep_pictures()
  local expired = redis.call('ZRANGEBYSCORE', LRU, '-inf', stamp(now() - RETENTION_S), 'LIMIT', 0, 100)
  for _, picture in ipairs(expired) do drop_picture(picture) end
end

-- The time as epoch: it rises even when nothing is remembered of the conversation's earlier life.
local function epoch_of(conversation)
  local epoch = redis.call('HGET', key('conversation', conversation), 'epoch')
  if not epoch then
    epoch = string.format('%.0f', now() * 1000)
    redis.call('HSET', key('conversation', conversation), 'epoch', epoch)
  end
  return tonumber(epoch)
end

-- The conversation is used: its retention time, its pictures' and its askers' start again. Returns its epoch.
local function use(conversation)
  local epoch = epoch_of(conversation)
  local tenant = tenant_of(conversation)
  local refreshed = {}
  for _, asker in ipairs(redis.call('HVALS', key('askers', conversation))) do
    if asker ~= '' and not refreshed[asker] then
      expire(key('asked', tenant, asker), RETENTION_S)
      refreshed[asker] = true
    end
  end
  for _, digest in ipairs(redis.call('SMEMBERS', key('pictures', conversation))) do
    use_picture(tenant .. ':' .. digest)
  end
  for _, kind in ipairs(OF_CONVERSATION) do expire(key(kind, conversation), RETENTION_S) end
  return epoch
end

-- The conversation no longer uses these; how many nobody uses now, whose bytes are gone.
local function release_pictures(conversation, digests)
  local gone = 0
  for _, digest in ipairs(digests) do
    local picture = tenant_of(conversation) .. ':' .. digest
    redis.call('SREM', key('pictures', conversation), digest)
    redis.call('SREM', key('users', picture), conversation)
    local used = false
    for _, user in ipairs(redis.call('SMEMBERS', key('users', picture))) do
      used = used or redis.call('EXISTS', key('conversation', user)) == 1  -- an expired one uses nothing
    end
    if not used then
      gone = gone + redis.call('EXISTS', key('picture', picture))
      drop_picture(picture)
    end
  end
  return gone
end

-- Of the conversation's pictures those that no question brought.
local function brought_by_nobody(conversation)
  local brought = {}
  for _, digests in ipairs(redis.call('HVALS', key('brought', conversation))) do
    for digest in string.gmatch(digests, '%S+') do brought[digest] = true end
  end
  local orphans = {}
  for _, digest in ipairs(redis.call('SMEMBERS', key('pictures', conversation))) do
    if not brought[digest] then table.insert(orphans, digest) end
  end
  return orphans
end
