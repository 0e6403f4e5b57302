/// What an endpoint answers with when all is well: a named schema of the document, or no JSON.
enum AnswerSchema: String, CaseIterable, Sendable {
  case ingestionStatus = "IngestionStatus"
  case ingestionHealth = "IngestionHealth"
  case latestTick = "LatestTick"
  case latestTicks = "LatestTicks"
  case samples = "Samples"
  case bars = "Bars"
  case gaps = "Gaps"
  case stream = "Stream"
  case events
  case nothing

  /// JSON Schema 2020-12 of all named answers and of what they are made of.
  static let components = #"""
    "Time":{"type":"string","format":"date-time","description":"RFC 3339 in UTC, up to nanoseconds."},
    "Degraded":{"type":"array","items":{"type":"string","enum":["redis","kafka"]},
      "description":"What was away while this was answered; empty when nothing was."},
    "Problem":{"type":"object","required":["type","title","status","code","detail"],"properties":{
      "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"code":{"type":"string"},
      "detail":{"type":"string"},"instance":{"type":"string"}}},
    "Trade":{"type":"object","required":["event_time","event_ns"],"properties":{
      "event_time":{"$ref":"#/components/schemas/Time"},"event_ns":{"type":"integer"},"price":{"type":"number"},
      "size":{"type":"number"},"id":{"type":"string"},"exchange":{"type":"string"},
      "conditions":{"type":"array","items":{"type":"string"}},"corrects":{"type":"string"},
      "cancelled":{"type":"boolean"},"feed":{"type":"string"}}},
    "Quote":{"type":"object","required":["event_time","event_ns"],"properties":{
      "event_time":{"$ref":"#/components/schemas/Time"},"event_ns":{"type":"integer"},"bid":{"type":"number"},
      "bid_size":{"type":"number"},"ask":{"type":"number"},"ask_size":{"type":"number"},
      "bid_exchange":{"type":"string"},"ask_exchange":{"type":"string"},"feed":{"type":"string"}}},
    "Gap":{"type":"object","required":["id","feed","symbol","channels","from","to","why","state"],
      "description":"A hole in a feed: it was not listened to between these times.","properties":{
      "id":{"type":"string"},"feed":{"type":"string"},"symbol":{"type":"string"},
      "channels":{"type":"array","items":{"type":"string"}},"from":{"$ref":"#/components/schemas/Time"},
      "to":{"oneOf":[{"$ref":"#/components/schemas/Time"},{"type":"null"}]},
      "why":{"enum":["disconnected","silent","slow_reader","restarted"]},
      "state":{"enum":["open","filled","unfillable"]},"reason":{"type":["string","null"]}}},
    "LatestTick":{"type":"object",
      "required":["symbol","trade","quote","watermark","age_seconds","stale","gaps","degraded"],"properties":{
      "symbol":{"type":"string"},
      "trade":{"oneOf":[{"$ref":"#/components/schemas/Trade"},{"type":"null"}]},
      "quote":{"oneOf":[{"$ref":"#/components/schemas/Quote"},{"type":"null"}]},
      "watermark":{"$ref":"#/components/schemas/Time","description":"The time of the newer of both."},
      "age_seconds":{"type":"number"},
      "stale":{"type":"boolean","description":"Older than the gateway's --stale-after."},
      "gaps":{"type":"array","items":{"$ref":"#/components/schemas/Gap"},"description":"Those that are open."},
      "degraded":{"$ref":"#/components/schemas/Degraded"}}},
    "LatestTicks":{"type":"object","required":["ticks","unknown"],"properties":{
      "ticks":{"type":"array","items":{"$ref":"#/components/schemas/LatestTick"}},
      "unknown":{"type":"array","items":{"type":"string"}}}},
    "Samples":{"type":"object","required":["symbol","field","samples","next_cursor","batch_until","available_from",
      "watermark","gaps","degraded"],"properties":{
      "symbol":{"type":"string"},"field":{"type":"string"},
      "samples":{"type":"array","items":{"type":"object","required":["time","value"],"properties":{
        "time":{"$ref":"#/components/schemas/Time"},"value":{"type":"number"}}}},
      "next_cursor":{"type":["string","null"]},
      "batch_until":{"oneOf":[{"$ref":"#/components/schemas/Time"},{"type":"null"}],
        "description":"Up to here the answer is of the batch layer; null when all of it is live."},
      "available_from":{"$ref":"#/components/schemas/Time","description":"The oldest that the hot store keeps."},
      "watermark":{"$ref":"#/components/schemas/Time"},
      "gaps":{"type":"array","items":{"$ref":"#/components/schemas/Gap"}},
      "degraded":{"$ref":"#/components/schemas/Degraded"}}},
    "Bar":{"type":"object","required":["start","open","high","low","close","volume"],"properties":{
      "start":{"$ref":"#/components/schemas/Time"},"open":{"type":["number","null"]},
      "high":{"type":["number","null"]},"low":{"type":["number","null"]},"close":{"type":["number","null"]},
      "volume":{"type":["number","null"]},"vwap":{"type":["number","null"]},"trades":{"type":["number","null"]}}},
    "Bars":{"type":"object","required":["symbol","interval","bars","next_cursor","batch_until","available_from",
      "watermark","gaps","degraded"],"properties":{
      "symbol":{"type":"string"},"interval":{"type":"string"},
      "bars":{"type":"array","items":{"$ref":"#/components/schemas/Bar"}},
      "next_cursor":{"type":["string","null"]},
      "batch_until":{"oneOf":[{"$ref":"#/components/schemas/Time"},{"type":"null"}]},
      "available_from":{"$ref":"#/components/schemas/Time"},"watermark":{"$ref":"#/components/schemas/Time"},
      "gaps":{"type":"array","items":{"$ref":"#/components/schemas/Gap"}},
      "degraded":{"$ref":"#/components/schemas/Degraded"}}},
    "Gaps":{"type":"object","required":["symbol","gaps","degraded"],"properties":{
      "symbol":{"type":"string"},"gaps":{"type":"array","items":{"$ref":"#/components/schemas/Gap"}},
      "degraded":{"$ref":"#/components/schemas/Degraded"}}},
    "Stream":{"type":"object","required":["symbol","is_streaming","last_event"],"properties":{
      "symbol":{"type":"string"},"is_streaming":{"type":"boolean"},
      "last_event":{"oneOf":[{"$ref":"#/components/schemas/Time"},{"type":"null"}]}}},
    "IngestionStatus":{"type":"object","required":["ingestion_layer"],"properties":{"ingestion_layer":{
      "type":"object","required":["is_running","uptime_seconds","kafka","streams"],"properties":{
      "is_running":{"type":"boolean"},"uptime_seconds":{"type":"integer"},
      "kafka":{"type":"object","required":["enabled"],"properties":{"enabled":{"type":"boolean"},
        "producer":{"type":["object","null"],"properties":{"is_running":{"type":"boolean"},
          "total_messages":{"type":"integer"}}},
        "consumer":{"type":["object","null"],"properties":{"is_running":{"type":"boolean"},
          "message_counts":{"type":"object","additionalProperties":{"type":"integer"}}}}}},
      "hot_store":{"type":"object","required":["connected"],"properties":{"connected":{"type":"boolean"}}},
      "streams":{"type":"object","properties":{"market":{"type":["object","null"],"properties":{
        "is_streaming":{"type":"boolean"},"subscribed_symbols":{"type":"array","items":{"type":"string"}}}}}}}}}},
    "IngestionHealth":{"type":"object","required":["healthy","components","timestamp"],"properties":{
      "healthy":{"type":"boolean"},
      "components":{"type":"object","description":"A part that is switched off is not there.",
        "additionalProperties":{"type":"boolean"}},
      "timestamp":{"$ref":"#/components/schemas/Time"}}}
    """#
}
