-- Taking things out of conversations.

local function stop_running(conversation)
  local head = redis.call('LINDEX', key('line', conversation), 0)
  local job = head and read_job(head)
  if job and job.state == 'running' then cancel(job, '', 'stopped') end
end

-- No question brings it any more.
local function unbring(conversation, digest)
  local brought = redis.call('HGETALL', key('brought', conversation))
  for i = 1, #brought, 2 do
    redis.call('HSET', key('brought', conversation), brought[i], (string.gsub(brought[i + 1], digest, '')))
  end
end

-- conversation, source, number, digest, picture
register('drop_picture', function(id, source, number, digest, picture)
  local conversation = open_conversation(id)
  if redis.call('HEXISTS', key('sources', id), source) == 0 then return end  -- forgotten meanwhile
  redis.call('HSET', key('dropped', id), source .. ' ' .. number, picture)
  stop_running(id)
  raise_epoch(conversation)
  unbring(id, digest)
  release_pictures(id, {digest})
  expire_unswept(id)
end, DRAINS)

-- beginning of a name, cursor -> {next cursor ('0' at the end), some of the conversations there}
register('conversations_of', function(place, cursor)
  local step = redis.call('ZSCAN', RETENTION, cursor, 'MATCH', place .. '*', 'COUNT', 1000)
  local there = {}
  for i = 1, #step[2], 2 do table.insert(there, step[2][i]) end
  return {step[1], there}
end, READS)
