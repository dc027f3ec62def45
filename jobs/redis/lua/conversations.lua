-- Histories, and forgetting them.
--
-- `forgotten_at:<tenant>` sorted set: conversations by when somebody last wanted them forgotten, so that what stood on
-- the platform by then is not read again. It says nothing else, and is kept longer than anything that is remembered.

local function mark_forgotten(id)
  local marks = key('forgotten_at', tenant_of(id))
  redis.call('ZREMRANGEBYSCORE', marks, '-inf', stamp(now() - MARK_KEPT_S))
  redis.call('ZADD', marks, stamp(now()), id)
  expire(marks, MARK_KEPT_S)
end

register('mark_forgotten', mark_forgotten, DRAINS)

-- tenant, beginning of the names of what is gone
register('drop_marks', function(tenant, place)
  local marks = key('forgotten_at', tenant)
  for _, id in ipairs(redis.call('ZRANGE', marks, 0, -1)) do
    if string.sub(id, 1, #place) == place then redis.call('ZREM', marks, id) end
  end
end, DRAINS)

-- conversation -> {epoch, turns oldest first, dropped pictures, withdrawn files, when it was forgotten, revision and
-- asker of every question, source of the last one, and its revision and asker}
register('load', function(id)
  local conversation = open_conversation(id)
  local marked = redis.call('ZSCORE', key('forgotten_at', tenant_of(id)), id) or '0'
  if not conversation.epoch then return {tonumber(epoch_now()), {}, {}, {}, marked, {}, '', '0 '} end
  use(conversation)
  expire_unswept(id)
  local turns = {}
  for _, source in ipairs(redis.call('LRANGE', key('order', id), 0, -1)) do
    table.insert(turns, redis.call('HGET', key('turns', id), source))
  end
  local last = conversation.last_source or ''
  return {
    tonumber(conversation.epoch), turns, redis.call('HVALS', key('dropped', id)),
    redis.call('SMEMBERS', key('withdrawn', id)), marked,
    redis.call('HVALS', key('sources', id)), last, redis.call('HGET', key('sources', id), last) or '0 ',
  }
end, DRAINS)

-- Take the words out of a job: what was asked, by whom, with which pictures, and what was answered.
local function scrub(job)
  redis.call('DEL', key('words', job.id), key('answers', job.id))
  if job.claimed_by then redis.call('DEL', key('inbox', job.claimed_by)) end
  note_gone()
  if job.state == 'ended' then
    write_ending(job, ENDED_FORGOTTEN)
  else
    cancel(job, ENDED_FORGOTTEN, 'forgotten')
  end
end

-- Every revision of one question.
local function scrub_source(conversation, source)
  local newest = read_source(redis.call('HGET', key('sources', conversation), source))
  for revision = 0, newest do
    local job = read_job(tenant_of(conversation) .. ':' .. source .. ':' .. revision)
    if job then scrub(job) end
  end
end

-- conversation -> how many {conversations, turns, pictures} are gone
register('forget', function(id)
  drop_if_expired(id)
  local turns = redis.call('LLEN', key('order', id))
  local sources = sources_from_behind(id)
  local digests = redis.call('SMEMBERS', key('pictures', id))
  local pictures = release_pictures(id, digests)
  for _, source in ipairs(sources) do scrub_source(id, source) end
  drop_conversation(id)
  return {(#sources + #digests > 0) and 1 or 0, turns, pictures}
end, DRAINS)

-- The last question that is left: it can be answered again.
local function last_source(conversation)
  local line = redis.call('LRANGE', key('line', conversation), 0, -1)
  for place = #line, 1, -1 do
    local source = redis.call('HGET', key('job', line[place]), 'source')
    if source and redis.call('HEXISTS', key('sources', conversation), source) == 1 then return source end
  end
  return redis.call('LINDEX', key('order', conversation), -1) or ''
end

-- What is being answered there may rest on what is forgotten: the words so far go, and no commit of before counts.
local function begin_anew(conversation)
  raise_epoch(conversation)
  local head = redis.call('LINDEX', key('line', conversation.id), 0)
  local job = head and read_job(head)
  if not job or take_back_words(head) == 0 then return end
  local nothing = {type = 'delta', attempt = tonumber(job.attempt), offset = 0, text = ''}
  redis.call('XADD', key('answers', head), '*', 'event', cjson.encode(nothing))
  set(job, 'written', 0)
end

-- Whether somebody has begun to answer it: else nothing rests on it.
local function is_begun(conversation, source)
  if redis.call('HEXISTS', key('turns', conversation), source) == 1 then return true end
  local newest = read_source(redis.call('HGET', key('sources', conversation), source))
  for revision = 0, newest do
    local job = read_job(tenant_of(conversation) .. ':' .. source .. ':' .. revision)
    if job and tonumber(job.attempt) > 0 then return true end
  end
  return false
end

-- conversation, source -> how many {conversations, turns, pictures} are gone
register('forget_source', function(id, source)
  local conversation = open_conversation(id)
  if redis.call('HEXISTS', key('sources', id), source) == 0 then return {0, 0, 0} end
  if is_begun(id, source) then begin_anew(conversation) end
  redis.call('HDEL', key('brought', id), source)
  local pictures = release_orphans(id, source)
  scrub_source(id, source)
  local turns = drop_question(id, source)
  if conversation.last_source == source then
    redis.call('HSET', key('conversation', id), 'last_source', last_source(id))
  end
  return {1 - redis.call('EXISTS', key('sources', id)), turns, pictures}
end, DRAINS)

-- tenant, asker -> {conversation, source} of every question, in the order in which to forget them
register('asked', function(tenant, asker)
  local asked = {}
  for _, conversation in ipairs(redis.call('SMEMBERS', key('asked', tenant .. ':' .. asker))) do
    for _, source in ipairs(sources_from_behind(conversation)) do
      local _, by = read_source(redis.call('HGET', key('sources', conversation), source))
      if by == asker then table.insert(asked, {conversation, source}) end
    end
  end
  return asked
end, READS)
