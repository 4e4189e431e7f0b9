-- Points viewers at another generation, if they follow the one that the caller thinks they do.
-- KEYS: live, past, generations.  ARGV: the generation expected to be live, the one wanted.
-- Answers the generation that is live afterwards; nothing where the one wanted was never opened.
-- Sent twice, the second one finds its work done.
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 then
  return false
end
local live = redis.call('GET', KEYS[1])
if live ~= ARGV[1] or live == ARGV[2] then
  return live
end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('RPUSH', KEYS[2], live)
return ARGV[2]
