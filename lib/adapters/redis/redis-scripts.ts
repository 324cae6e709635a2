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
