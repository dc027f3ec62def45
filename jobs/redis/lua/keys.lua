-- The keys of the store, and its time.
--
-- A job is submitted -> ready -> running -> ended. `line:<conversation>` lists its unended jobs in the order
-- submitted. Only the head of a line may be in the sorted set `ready` or be running, so the jobs of one conversation
-- cannot overlap and start in their order. Whoever takes a head away promotes the next one in the same call.
--
-- `job:<id>`     hash, the facts: state, attempt, leases; kept to recognise retried events
-- `words:<id>`   hash, what people and the model wrote: job, pictures, notices, ending; the first to be forgotten
-- `answers:<id>` stream, the events; it expires only after its end
-- `inbox:<call>` stream, the jobs given to one call of `claim`; see start.lua
--
-- Keys are put together here and not declared to FCALL: the contract asks for one Redis, never for a cluster.

local function key(kind, name) return 'threadsight:' .. kind .. ':' .. name end

local READY = 'threadsight:ready'          -- sorted set of claimable jobs, by virtual finish time
local RUNNING = 'threadsight:running'      -- sorted set of running jobs, by end of lease
local DEADLINES = 'threadsight:deadlines'  -- sorted set of jobs that never started, by deadline
local WAITING = 'threadsight:waiting'      -- hash: how many wait, in all ('*') and by tenant
local FAIRNESS = 'threadsight:fairness'    -- hash: virtual time ('*'), and by tenant the finish of its latest ready job
local GAUGES = 'threadsight:gauges'        -- hash: mean_run_s, picture_bytes
local IDLE = 'threadsight:idle'            -- sorted set of waiting calls of `claim`, by when they stop waiting
local FORGOTTEN = 'threadsight:forgotten'  -- stream: conversations whose epoch rose
local DEAD = 'threadsight:dead'            -- list of jobs that no worker survived, latest first
local RETENTION = 'threadsight:retention'  -- sorted set of all conversations, by end of retention
local LRU = 'threadsight:pictures'         -- sorted set of all pictures, by last use
local SIZES = 'threadsight:picture_sizes'  -- hash: bytes by picture

-- Verbs that end or free something also run when Redis is at its memory limit: the queue can always drain.
local function register(name, verb, flags)
  redis.register_function({function_name = PREFIX .. name, callback = verb, flags = flags or {}})
end

local function now()  -- seconds; the only clock
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function stamp(seconds) return string.format('%.6f', seconds) end

local function expire(name, seconds) redis.call('PEXPIRE', name, string.format('%.0f', seconds * 1000)) end

local function facts(id, ...) return unpack(redis.call('HMGET', key('job', id), ...)) end

local function set(id, ...) redis.call('HSET', key('job', id), ...) end

local function tenant_of(conversation) return string.match(conversation, '^[^:]*:[^:]*') end

local function platform_of(conversation) return string.match(conversation, '^[^:]*') end
