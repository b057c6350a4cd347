-- Token buckets that all collectors lease from; one call for many. By Redis's clock alone, so that no collector's
-- matters; a clock that went back refills nothing until it has caught up with itself.
-- KEYS: the buckets. ARGV: rate, capacity, booked, wanted for each.
-- Returns for each: what is granted, and what is left (negative: owed), as text.
-- A bucket that is not there, or is none, is full: it was unused for as long as it takes to fill, or Redis lost it.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}
for i, key in ipairs(KEYS) do
  local rate, capacity = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local booked, wanted = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local stored = redis.pcall('GET', key)
  local level, at
  if type(stored) == 'string' then
    local first, second = string.match(stored, '^(%S+) (%S+)$')
    level, at = tonumber(first), tonumber(second)
  end
  if not level or not at or level ~= level or at ~= at then
    level, at = capacity, now
  end
  local passed = math.max(0, now - at) / 1000000
  level = math.min(capacity, math.min(capacity, level + passed * rate) - booked)
  local granted = math.max(0, math.min(level, wanted))
  level = level - granted
  local full_ms = math.min((capacity - level) / rate * 1000 + 60000, 3456000000)
  redis.call('SET', key, string.format('%.17g %.0f', level, now), 'PX', string.format('%.0f', full_ms))
  answer[2 * i - 1] = string.format('%.17g', granted)
  answer[2 * i] = string.format('%.17g', level)
end
return answer
