"""What must be done in one step, as Lua. Times are the server's own."""

from typing import Final

PLACE: Final = """
-- KEYS: what is held, by topic; how often this node has written. ARGV: itself; then changes,
-- each a sign, a node and a topic. Nodes are kept as ' 17 25 '.
for i = 2, #ARGV do
  local sign, node, topic = string.match(ARGV[i], '^(.)(%d+) (.+)$')
  local now = redis.call('HGET', KEYS[1], topic) or ' '
  local at, last = string.find(now, ' ' .. node .. ' ', 1, true)
  if sign == '+' and not at then
    redis.call('HSET', KEYS[1], topic, now .. node .. ' ')
  elseif sign == '-' and at then
    now = string.sub(now, 1, at) .. string.sub(now, last + 1)
    if now == ' ' then redis.call('HDEL', KEYS[1], topic)
    else redis.call('HSET', KEYS[1], topic, now) end
  end
end
return redis.call('INCR', KEYS[2])
"""

LEASE: Final = """
-- KEYS: when each node's lease ends, in ms. ARGV: itself, for how long, whether it is a new one.
-- Answers 1, or 0 where the lease had ended.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] == '0' and (not ends or tonumber(ends) < now) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
return 1
"""

LIVING: Final = """
-- KEYS: when each node's lease ends. Answers the nodes whose lease goes on.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')
"""

TAKE: Final = """
-- KEYS: when each bucket is full, in us. ARGV: in how many us a token comes, how many us a bucket
-- may lack, how many tokens of each. Answers how many us each lacks then; where it is more than it
-- may, nothing was taken.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lacks = {}
for i, key in ipairs(KEYS) do
  local full = math.max(now, tonumber(redis.call('GET', key) or '0')) + ARGV[i + 2] * ARGV[1]
  lacks[i] = full - now
  if lacks[i] <= tonumber(ARGV[2]) then
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil(lacks[i] / 1000))
  end
end
return lacks
"""
