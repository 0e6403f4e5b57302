import Redis

/// What has to be decided beside the data: Redis runs a script atomically.
enum Script: Int, CaseIterable, Sendable {
  case last, change, tail, bars, features
  case article, statement
  case passage, withdrawal

  var source: RedisScript {
    switch self {
    case .last: Scripts.last
    case .change: Scripts.change
    case .tail: Scripts.tail
    case .bars: Scripts.bars
    case .features: Scripts.features
    case .article: TextScripts.article
    case .statement: TextScripts.statement
    case .passage: PassageScripts.passage
    case .withdrawal: PassageScripts.withdrawal
    }
  }
}

/// The scripts of ticks, bars and signals.
enum Scripts {
  /// KEYS: the hash. ARGV: the event time in nanoseconds, then names and values. Replaces the hash unless it holds a
  /// later event. Times have up to 19 digits, which Lua's numbers do not hold: they are compared as texts. Of two
  /// events with one time the one that is written later counts, which is the later record.
  static let last = RedisScript("""
    local known = redis.call('HGET', KEYS[1], 'event_ns')
    if known and (#known > #ARGV[1] or (#known == #ARGV[1] and known > ARGV[1])) then return 0 end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'event_ns', ARGV[1], unpack(ARGV, 2))
    return 1
    """)

  /// KEYS: the hash of the last trade. ARGV: the id and the exchange of the trade that is meant, then names and values.
  static let change = RedisScript("""
    if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
    if (redis.call('HGET', KEYS[1], 'exchange') or '') ~= ARGV[2] then return 0 end
    redis.call('HSET', KEYS[1], unpack(ARGV, 3))
    return 1
    """)

  /// KEYS: the stream, and the hash of what it has of each partition. ARGV: topic and partition, the length of the
  /// stream, then offsets and records. A record that the stream has had is not added again. Returns how many were
  /// added.
  static let tail = RedisScript("""
    local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '-1')
    local added = 0
    for i = 3, #ARGV, 2 do
      local offset = tonumber(ARGV[i])
      if offset > last then
        redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'data', ARGV[i + 1])
        last = offset
        added = added + 1
      end
    end
    if added > 0 then redis.call('HSET', KEYS[2], ARGV[1], last) end
    return added
    """)

  /// KEYS: the hash. ARGV: the field that holds the begin of an interval's last bar, that begin in nanoseconds, then
  /// names and values. Replaces the fields of that interval unless a later bar is there; of one bar the later record
  /// counts.
  static let features = RedisScript("""
    local known = redis.call('HGET', KEYS[1], ARGV[1])
    if known and (#known > #ARGV[2] or (#known == #ARGV[2] and known > ARGV[2])) then return 0 end
    if known then
      local prefix, named = string.sub(ARGV[1], 1, -#'start_ns' - 1), {[ARGV[1]] = true}
      for i = 3, #ARGV, 2 do named[ARGV[i]] = true end
      for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
        if string.sub(name, 1, #prefix) == prefix and not named[name] then redis.call('HDEL', KEYS[1], name) end
      end
    end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 3))
    return 1
    """)

  /// KEYS: series of one symbol and interval, the first two of them of when a state of a bar was known, in
  /// microseconds, and of its revision; behind those that the bars have values of, those that they have none of. ARGV:
  /// the earliest and the latest stamp of the bars, how many series they have values of, then of each bar its stamp
  /// and a value of each of these. A state that is older than the one the series hold is not written, and of others
  /// what is equal is not; a value of an earlier state that they lack is deleted. Returns how many samples were
  /// written, how many were equal, how many bars were older, how many samples lie outside the retention and how many
  /// were deleted, as the thousands of one number: arrays of numbers are answers to TS.MADD.
  static let bars = RedisScript("""
    local n = tonumber(ARGV[3])
    local held = {}
    for k = 1, #KEYS do
      held[k] = {}
      local points = redis.pcall('TS.RANGE', KEYS[k], ARGV[1], ARGV[2])
      if points.err then
        if k <= n or not string.find(points.err, 'does not exist', 1, true) then return points end
        points = {}
      end
      for _, point in ipairs(points) do
        local value = point[2]
        if type(value) == 'table' then value = value.ok or value.double end
        held[k][point[1]] = tonumber(value)
      end
    end
    local words, count, equal, older, outside, gone = {}, 0, 0, 0, 0, 0
    for i = 4, #ARGV, n + 1 do
      local stamp = tonumber(ARGV[i])
      local known, revision = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
      local before = held[1][stamp]
      if before and (before > known or (before == known and (held[2][stamp] or -1) > revision)) then
        older = older + 1
      else
        for k = 1, n do
          local value = tonumber(ARGV[i + k])
          if held[k][stamp] == value then
            equal = equal + 1
          else
            held[k][stamp] = value
            words[#words + 1] = KEYS[k]
            words[#words + 1] = ARGV[i]
            words[#words + 1] = ARGV[i + k]
            count = count + 1
          end
        end
        for k = n + 1, #KEYS do
          if held[k][stamp] then
            redis.call('TS.DEL', KEYS[k], ARGV[i], ARGV[i])
            held[k][stamp] = nil
            gone = gone + 1
          end
        end
      end
    end
    if count > 0 then
      for _, answer in ipairs(redis.call('TS.MADD', unpack(words))) do
        if type(answer) == 'table' and answer.err then
          if not string.find(answer.err, 'older than retention', 1, true) then return redis.error_reply(answer.err) end
          outside = outside + 1
        end
      end
    end
    return count - outside + 1000 * (equal + 1000 * (older + 1000 * (outside + 1000 * gone)))
    """)
}
