import Redis

/// What has to be decided beside the data of passages.
///
/// `docset:<document>` names the passages of a document and the place of each; `docset:<document>:gone` when all of
/// them, or those of a place, were last withdrawn. A place is a part and an item.
enum PassageScripts {
  /// The tail of documents.
  static let stream = "stream:raw_documents"

  /// KEYS: the hash of the passage, the set, the withdrawals. ARGV: when it was known in microseconds, its place, how
  /// long to keep it in milliseconds, the model of its vector or nothing, then names and values. What was withdrawn
  /// later, or known later, stays; so does the same state with a vector of the same model: replacing a vector costs an
  /// index more than finding out. Times are compared as texts: they have more digits than Lua's numbers.
  static let passage = RedisScript("""
    local function precedes(a, b) return #a < #b or (#a == #b and a < b) end
    for _, gone in ipairs(redis.call('HMGET', KEYS[3], 'all', ARGV[2])) do
      if gone and precedes(ARGV[1], gone) then return 0 end
    end
    local held = redis.call('HMGET', KEYS[1], 'known_us', 'model')
    if held[1] and precedes(ARGV[1], held[1]) then return 0 end
    if held[1] ~= ARGV[1] or (held[2] or '') ~= ARGV[4] then
      if ARGV[4] == '' then
        redis.call('HDEL', KEYS[1], 'model', 'vector')
        redis.call('HSET', KEYS[1], 'known_us', ARGV[1], unpack(ARGV, 5))
      else
        redis.call('HSET', KEYS[1], 'known_us', ARGV[1], 'model', ARGV[4], unpack(ARGV, 5))
      end
    end
    redis.call('HSET', KEYS[2], KEYS[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    return 1
    """)

  /// KEYS: the set, the withdrawals. ARGV: when it was known, the place or nothing for all, how long to keep the mark.
  /// Deletes the passages that were known earlier. Returns how many those were.
  static let withdrawal = RedisScript("""
    local function precedes(a, b) return #a < #b or (#a == #b and a < b) end
    local field = ARGV[2] == '' and 'all' or ARGV[2]
    local gone = redis.call('HGET', KEYS[2], field)
    if not gone or precedes(gone, ARGV[1]) then redis.call('HSET', KEYS[2], field, ARGV[1]) end
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    local members = redis.call('HGETALL', KEYS[1])
    local count = 0
    for i = 1, #members, 2 do
      if ARGV[2] == '' or members[i + 1] == ARGV[2] then
        local known = redis.call('HGET', members[i], 'known_us')
        if not known or precedes(known, ARGV[1]) then
          redis.call('UNLINK', members[i])
          redis.call('HDEL', KEYS[1], members[i])
          count = count + 1
        end
      end
    end
    return count
    """)
}
