-- Taking things out of conversations.

local function stop_running(conversation)
  local head = redis.call('LINDEX', key('line', conversation), 0)
  local job = head and read_job(head)
  if job and job.state == 'running' then cancel(job, '', 'stopped') end
end

-- No question brings it any more, unless its bytes are another's, too. Each that did remembers why: any of them may be forgotten before the others.
local function take_out(conversation, number, digest, picture, keeps)
  local brought = redis.call('HGETALL', key('brought', conversation))
  for i = 1, #brought, 2 do
    if string.find(brought[i + 1], digest, 1, true) then
      redis.call('HSET', key('dropped', conversation), brought[i] .. ' ' .. number, picture)
      if not keeps then unbring(conversation, brought[i], digest) end
    end
  end
end

-- conversation, source, number, digest, picture, '1' when somebody wants it gone who may stop the answer in the making,
-- '1' when another picture is of the same bytes
register('drop_picture', function(id, source, number, digest, picture, stops, twin)
  local conversation = open_conversation(id)
  if redis.call('HEXISTS', key('sources', id), source) == 0 then return end  -- forgotten meanwhile
  redis.call('HSET', key('dropped', id), source .. ' ' .. number, picture)
  take_out(id, number, digest, picture, twin == '1')
  begin_anew(conversation)
  if stops == '1' then
    stop_running(id)
    if twin ~= '1' then release_pictures(id, {digest}) end
  else
    bring_under_way(id)
    release_orphans(id)
  end
  expire_unswept(id)
end, DRAINS)

-- Whether the question that waits or runs refers to a file of there.
local function refers_to(id, origin)
  local question = redis.call('HGET', key('words', id), 'job')
  for _, ref in ipairs(question and cjson.decode(question).references or {}) do
    if is_from(ref, origin) then return true end
  end
  return false
end

-- The question does without what is of there.
local function withdraw_origin(job, origin)
  local pictures = cjson.decode(redis.call('HGET', key('words', job.id), 'pictures') or '[]')
  redis.call('SADD', key('withdrawn', job.conversation), job.source .. ' ' .. origin)
  for _, picture in ipairs(pictures) do
    if is_from(picture.ref, origin) then unbring(job.conversation, job.source, picture.digest) end
  end
  -- Another of its files may be the same picture.
  bring(job.conversation, job.source, digests_left(job.conversation, job.source, pictures))
end

-- conversation, origin: what is of there was deleted
register('withdraw_origin', function(id, origin)
  local runs, conversation = false, open_conversation(id)
  for _, asked in ipairs(redis.call('LRANGE', key('line', id), 0, -1)) do
    local job = read_job(asked)
    if job and refers_to(asked, origin) then
      withdraw_origin(job, origin)
      runs = runs or job.state == 'running'
    end
  end
  if runs then begin_anew(conversation) end
  release_orphans(id)
  expire_unswept(id)
end, DRAINS)

-- beginning of a name, cursor, source (none: every conversation) -> {next cursor ('0' at the end), some of those there}
register('conversations_of', function(place, cursor, source)
  local step = redis.call('ZSCAN', RETENTION, cursor, 'MATCH', place .. '*', 'COUNT', 1000)
  local there = {}
  for i = 1, #step[2], 2 do
    local id = step[2][i]
    if not source or redis.call('HEXISTS', key('sources', id), source) == 1 then table.insert(there, id) end
  end
  return {step[1], there}
end, READS)
