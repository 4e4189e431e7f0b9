-- Moves a partition's next offset forward, never back, and remembers a hole in the log before it.
-- KEYS: offsets, gaps.  ARGV: topic|partition, next offset, offsets missing before it.
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
if tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[2], ARGV[1] .. '|' .. ARGV[2], ARGV[3])
end
return 1
