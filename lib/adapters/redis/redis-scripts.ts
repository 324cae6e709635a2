/**
 * What Redis does in one step. A stored value starts with a tag: 0 before the value itself, 1 before a manifest
 * (`id count bytes`), which says in which chunks the value is.
 */

/** Does `command` to every chunk of a manifest; nothing for other values. ARGV[1] is in front of every chunk's key. */
const eachChunk = `
local function eachChunk(stored, command)
  local id, count = string.match(stored, '^\\1(%S+) (%d+) ')
  if not id then return end
  for index = 0, count - 1 do redis.call(command, ARGV[1] .. id .. ':' .. index) end
end
`;

/** Longest manifest that is recognised. */
const manifestBytes = 128;

/**
 * KEYS: the keys. ARGV: in front of chunk keys; then for each key its stored value and time to live in ms ('' for none).
 * Chunks of what is replaced go; those of a new value without time to live, which were written with one, stay for good.
 */
export const putScript = `${eachChunk}
for i, key in ipairs(KEYS) do
  local stored, ttl = ARGV[2 * i], ARGV[2 * i + 1]
  eachChunk(redis.call('GETRANGE', key, 0, ${manifestBytes - 1}), 'UNLINK')
  if ttl == '' then
    eachChunk(stored, 'PERSIST')
    redis.call('SET', key, stored)
  else
    redis.call('SET', key, stored, 'PX', ttl)
  end
end`;

/** KEYS: the keys. ARGV: in front of chunk keys. */
export const deleteScript = `${eachChunk}
for _, key in ipairs(KEYS) do
  eachChunk(redis.call('GETRANGE', key, 0, ${manifestBytes - 1}), 'UNLINK')
  redis.call('UNLINK', key)
end`;

/**
 * KEYS: the counter. ARGV: what to add, time to live of a new counter in ms ('' for none). Returns the new value as text.
 * Not INCRBY: counters have a tag as all values do, and a time to live set only once needs Redis 7.
 */
export const incrementScript = `
local stored = redis.call('GET', KEYS[1])
local count = 0
if stored then
  count = string.byte(stored) == 0 and tonumber(string.sub(stored, 2))
  if not count or count - count ~= 0 then return redis.error_reply('NOTCOUNTER the value of the key is not a counter') end
end
local total = string.format('%.17g', count + tonumber(ARGV[1]))
if stored then redis.call('SET', KEYS[1], '\\0' .. total, 'KEEPTTL')
elseif ARGV[2] == '' then redis.call('SET', KEYS[1], '\\0' .. total)
else redis.call('SET', KEYS[1], '\\0' .. total, 'PX', ARGV[2]) end
return total`;

/**
 * KEYS: the bucket. ARGV: tokens of a full one, tokens it gains in a second. Takes one token if there is one; returns whether,
 * and how many are left as text. Time is that of the server, so that all processes mean the same; a bucket goes when it
 * would be full again. That clock may be set, or be another server's after a failover: back, it gives nothing and takes nothing.
 */
export const takeTokenScript = `
local capacity, perSecond = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1] or ''), tonumber(kept[2] or '')
-- Neither below 0 nor anything that is no number, whoever wrote it.
if not tokens or not at or not (tokens >= 0) then tokens, at = capacity, now end
tokens = math.min(capacity, tokens + math.max(0, now - at) * perSecond)
local taken = 0
if tokens >= 1 then
  taken = 1
  tokens = tokens - 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.17g', now))
redis.call('PEXPIRE', KEYS[1], math.min(2147483647, math.ceil((capacity - tokens) / perSecond * 1000) + 1000))
return {taken, string.format('%.17g', tokens)}`;
