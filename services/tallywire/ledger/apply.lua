-- Writes one station's next record and the difference it makes, or nothing at all.
-- KEYS: record, totals, revision, review, stations, outbox.  All in the district's slot.
-- ARGV: version read, version written, body, member, in review (0/1), source, event to be published
-- (empty for none), then counter, difference, ...
-- A counter that came back to zero goes: whether it ever was more depends on which of a scan and a
-- correction was met first, and equal totals are to be equal bytes.
-- Answers -1 where it wrote, else the version that the record has. Sent twice (redis-py repeats a
-- command whose answer was lost), the second one changes nothing; the caller then reads the record
-- again and sees from its last offset that the first one did it.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= tonumber(ARGV[1]) then
  return version
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'body', ARGV[3])
redis.call('SADD', KEYS[5], ARGV[4])
if ARGV[5] == '1' then
  redis.call('SADD', KEYS[4], ARGV[4])
else
  redis.call('SREM', KEYS[4], ARGV[4])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[6], ARGV[6], ARGV[7])
end
for i = 8, #ARGV, 2 do
  if redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) == 0 then
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
redis.call('INCR', KEYS[3])
return -1
