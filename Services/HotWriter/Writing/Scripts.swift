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
