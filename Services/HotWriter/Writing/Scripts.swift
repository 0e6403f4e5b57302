import Redis

/// What has to be decided beside the data: Redis runs a script atomically.
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
  /// names and values. Changes the fields of that interval unless a later bar is there; of one bar the later record
  /// counts.
  static let features = RedisScript("""
    local known = redis.call('HGET', KEYS[1], ARGV[1])
    if known and (#known > #ARGV[2] or (#known == #ARGV[2] and known > ARGV[2])) then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 3))
    return 1
    """)

  static let all = [last, change, tail, features]
}
