-- Conversations that the bot was asked to keep out of: `silence:<c>`, for the retention time.

register('silence', function(conversation)
  redis.call('SET', key('silence', conversation), 1)
  expire(key('silence', conversation), RETENTION_S)
end)

register('listen', function(conversation) redis.call('DEL', key('silence', conversation)) end, DRAINS)

register('is_silent', function(conversation) return redis.call('EXISTS', key('silence', conversation)) end, READS)
