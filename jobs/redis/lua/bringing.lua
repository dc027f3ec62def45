-- Which question brings which pictures: what nobody brings is kept for nobody.

-- A question's pictures. Those of its earlier revisions stay with it: their turn stands until another takes its place.
local function bring(conversation, source, digests)
  local brought = redis.call('HGET', key('brought', conversation), source) or ''
  for _, digest in ipairs(digests) do
    if not string.find(brought, digest, 1, true) then brought = brought .. ' ' .. digest end
  end
  redis.call('HSET', key('brought', conversation), source, brought)
end

local function unbring(conversation, source, digest)
  local brought = redis.call('HGET', key('brought', conversation), source) or ''
  redis.call('HSET', key('brought', conversation), source, (string.gsub(brought, digest, '')))
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

-- Whether a question there has not said yet which pictures it brings: some that nobody brought may be its own. `but`:
-- source of one that will never say.
local function takes_in_pictures(conversation, but)
  for _, id in ipairs(redis.call('LRANGE', key('line', conversation), 0, -1)) do
    local job = redis.call('HMGET', key('job', id), 'state', 'source')
    if job[1] == 'submitted' and job[2] ~= but then return true end
  end
  return false
end

-- What nobody brought goes, as soon as it can be told; how many bytes are gone. Whoever ends an intake asks for it:
-- a question may have been forgotten meanwhile.
local function release_orphans(conversation, but)
  if takes_in_pictures(conversation, but) then return 0 end
  return release_pictures(conversation, brought_by_nobody(conversation))
end

local function is_from(ref, origin) return string.sub(ref.origin .. '/', 1, #origin + 1) == origin .. '/' end

-- Digests of a question's pictures, less those whose file was deleted meanwhile.
local function digests_left(conversation, source, pictures)
  local gone, digests = {}, {}
  for _, mark in ipairs(redis.call('SMEMBERS', key('withdrawn', conversation))) do
    local of, origin = string.match(mark, '^(%S+) (.*)$')
    if of == source then table.insert(gone, origin) end
  end
  for _, picture in ipairs(pictures) do
    local is_left = true
    for _, origin in ipairs(gone) do is_left = is_left and not is_from(picture.ref, origin) end
    if is_left then table.insert(digests, picture.digest) end
  end
  return digests
end

-- Questions under way (`source`: those of this one) still bring their own files, though others were taken from them.
local function bring_under_way(conversation, source)
  for _, id in ipairs(redis.call('LRANGE', key('line', conversation), 0, -1)) do
    local job, pictures = read_job(id), redis.call('HGET', key('words', id), 'pictures')
    if job and pictures and (not source or job.source == source) then
      bring(conversation, job.source, digests_left(conversation, job.source, cjson.decode(pictures)))
    end
  end
end
