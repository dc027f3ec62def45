-- The keys of the store, its time, and how a verb is registered.
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

local READY = 'threadsight:ready'          -- sorted set of claimable jobs, by virtual finish time
local RUNNING = 'threadsight:running'      -- sorted set of running jobs, by end of lease
local WAITING = 'threadsight:waiting'      -- sorted set of jobs that wait to be started, by deadline
local TENANTS = 'threadsight:tenants'      -- hash: how many of those by tenant
local FAIRNESS = 'threadsight:fairness'    -- hash: virtual time ('*'), and by waiting tenant the finish of its last turn
local IDLE = 'threadsight:idle'            -- sorted set of waiting calls of `claim`, by when they stop waiting
local WORKERS = 'threadsight:workers'      -- sorted set of live workers, by when their next sign of life is overdue
local GAUGES = 'threadsight:gauges'        -- hash: mean_run_s, picture_bytes, gone, rewritten (see reaper.lua)
local FORGOTTEN = 'threadsight:forgotten'  -- stream: conversations whose epoch rose
local RETENTION = 'threadsight:retention'  -- sorted set of all conversations, by end of retention
local LRU = 'threadsight:pictures'         -- sorted set of all pictures, by last use
local SIZES = 'threadsight:picture_sizes'  -- hash: bytes by picture

local function key(kind, name) return 'threadsight:' .. kind .. ':' .. name end

local function tenant_of(conversation) return string.match(conversation, '^[^:]*:[^:]*') end

local function platform_of(conversation) return string.match(conversation, '^[^:]*') end

local clock  -- of this call

local function now()  -- seconds of Redis's own time: there is no other
  if not clock then
    local time = redis.call('TIME')
    clock = tonumber(time[1]) + tonumber(time[2]) / 1e6
  end
  return clock
end

local function stamp(seconds) return string.format('%.6f', seconds) end

-- `...`: under which condition, as PEXPIRE has it
local function expire(name, seconds, ...)
  redis.call('PEXPIRE', name, string.format('%.0f', seconds * 1000), ...)
end

-- DRAINS: ending or freeing something needs the verb, so it also runs when Redis is at its memory limit. What is
-- accepted is answered: only what brings in more is refused there.
local READS, DRAINS = {'no-writes'}, {'allow-oom'}

local function register(name, verb, flags)
  local function callback(_, args)
    clock = nil
    return verb(unpack(args))
  end
  redis.register_function({function_name = PREFIX .. name, callback = callback, flags = flags or {}})
end
