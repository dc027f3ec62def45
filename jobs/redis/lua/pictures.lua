-- Picture bytes, keyed by tenant and digest: what one tenant stores no other can name.

-- Least recently used first; never the one that has just come.
local function evict(keep)
  while tonumber(redis.call('HGET', GAUGES, 'picture_bytes') or 0) > PICTURE_BUDGET_BYTES do
    local oldest = redis.call('ZRANGE', LRU, 0, 1)
    local victim = oldest[1] ~= keep and oldest[1] or oldest[2]
    if not victim then return end
    drop_picture(victim)
  end
end

-- conversation, digest, bytes
register('put', function(id, digest, bytes)
  local conversation = open_conversation(id)
  local picture = conversation.tenant .. ':' .. digest
  sweep_pictures()
  if redis.call('EXISTS', key('picture', picture)) == 0 then
    drop_picture(picture)  -- whatever is still counted of one that expired
    redis.call('SET', key('picture', picture), bytes)
    redis.call('HSET', SIZES, picture, #bytes)
    redis.call('HINCRBY', GAUGES, 'picture_bytes', #bytes)
    redis.call('ZADD', LRU, stamp(now()), picture)
  end
  redis.call('SADD', key('users', picture), id)
  redis.call('SADD', key('pictures', id), digest)
  use(conversation)
  use_picture(picture)
  expire_unswept(id)
  evict(picture)
end)

-- Whether the bytes are there; from now on they are the last to be evicted.
local function has_picture(picture)
  local used = redis.call('ZSCORE', LRU, picture)
  if not used or tonumber(used) + RETENTION_S <= now() then return false end
  use_picture(picture)
  return redis.call('EXISTS', key('picture', picture)) == 1
end

-- tenant, digest -> the bytes, or false when they are gone
register('get', function(tenant, digest)
  local picture = tenant .. ':' .. digest
  return has_picture(picture) and redis.call('GET', key('picture', picture))
end, DRAINS)

-- tenant, digest -> 1 while the bytes are there
register('has', function(tenant, digest)
  return has_picture(tenant .. ':' .. digest) and 1 or 0
end, DRAINS)
