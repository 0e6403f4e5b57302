import Redis

/// The scripts of texts.
enum TextScripts {
  /// The tails of articles and of posts.
  static let (news, posts) = ("stream:raw_news", "stream:raw_posts")

  /// KEYS: the hash of the article or post, the stream, the mark of its withdrawal. ARGV: when it was known in
  /// microseconds, how long to keep it in milliseconds, the length of the stream, whether it is withdrawn, the record,
  /// then names and values. What was known later, or is withdrawn, stays. A withdrawal deletes the hash and the entry
  /// of the stream and leaves a mark without any text, so that a repeat of the text does not bring it back. Times are
  /// compared as texts: they have more digits than Lua's numbers.
  static let article = RedisScript("""
    local function precedes(a, b) return #a < #b or (#a == #b and a < b) end
    local gone = redis.call('GET', KEYS[3])
    if gone and not precedes(gone, ARGV[1]) then return 0 end
    local known = redis.call('HGET', KEYS[1], 'known_us')
    if known and (precedes(ARGV[1], known) or (known == ARGV[1] and ARGV[4] ~= '1')) then return 0 end
    local entry = redis.call('HGET', KEYS[1], 'entry')
    if entry then redis.call('XDEL', KEYS[2], entry) end
    redis.call('DEL', KEYS[1])
    if ARGV[4] == '1' then
      redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
      return 1
    end
    redis.call('DEL', KEYS[3])
    redis.call('HSET', KEYS[1], 'known_us', ARGV[1], unpack(ARGV, 6))
    if tonumber(ARGV[3]) > 0 then
      local added = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'data', ARGV[5])
      redis.call('HSET', KEYS[1], 'entry', added)
    end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return 1
    """)

  /// What is said of a symbol, and may be revised or withdrawn: stories, unusual activity in its options. KEYS: its
  /// records by their ids, their times, their revisions, and its line. ARGV: id, revision, time in milliseconds,
  /// whether it is withdrawn, how long to keep it, the symbol, the record, the name of the line, the field of the
  /// record that it is of, and whether that is summed or averaged. A later revision stays. A point of the line is of
  /// the records of that millisecond; one without a record is deleted. The revision is noted last: a script that fails
  /// before may be repeated.
  static let statement = RedisScript("""
    local known = redis.call('HGET', KEYS[3], ARGV[1])
    if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
    local stamps = {}
    local before = redis.call('ZSCORE', KEYS[2], ARGV[1])
    if before then stamps[string.format('%.0f', tonumber(before))] = true end
    if ARGV[4] == '1' then
      redis.call('HDEL', KEYS[1], ARGV[1])
      redis.call('ZADD', KEYS[2], before or ARGV[3], ARGV[1])
    else
      stamps[ARGV[3]] = true
      redis.call('HSET', KEYS[1], ARGV[1], ARGV[7])
      redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
    end
    for stamp, _ in pairs(stamps) do
      local sum, count = 0, 0
      for _, cluster in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], stamp, stamp)) do
        local record = redis.call('HGET', KEYS[1], cluster)
        if record then
          sum = sum + cjson.decode(record)[ARGV[9]]
          count = count + 1
        end
      end
      local answer
      if count > 0 then
        if ARGV[10] == 'mean' then sum = sum / count end
        answer = redis.pcall('TS.ADD', KEYS[4], stamp, string.format('%.6f', sum), 'RETENTION', ARGV[5],
          'ON_DUPLICATE', 'LAST', 'LABELS', 'symbol', ARGV[6], 'field', ARGV[8], 'kind', ARGV[8])
      else
        answer = redis.pcall('TS.DEL', KEYS[4], stamp, stamp)
      end
      if type(answer) == 'table' and answer.err and not string.find(answer.err, 'older than retention', 1, true)
        and not string.find(answer.err, 'does not exist', 1, true) then
        return answer
      end
    end
    local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
    local horizon = '(' .. string.format('%.0f', tonumber(newest[2]) - tonumber(ARGV[5]))
    for _, cluster in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', horizon)) do
      redis.call('HDEL', KEYS[1], cluster)
      redis.call('HDEL', KEYS[3], cluster)
    end
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', horizon)
    redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
    for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
    return 1
    """)
}

extension HotWriter {
  func append(texts buffers: [Waiting], to draft: inout Draft) {
    for (_, buffer) in buffers {
      for note in buffer.texts {
        draft.run(note.script, keys: note.keys.count, words: note.keys.count + note.arguments.count)
        for key in note.keys { draft.pipeline.word(Array(key.utf8)) }
        for argument in note.arguments { draft.pipeline.word(argument) }
      }
    }
  }
}
