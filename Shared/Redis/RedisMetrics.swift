import Runtime

/// What connections to Redis count.
package enum RedisMetrics {
  package static let descriptions: [MetricDescription] = [
    MetricDescription("souk_redis_commands_total", .counter, "Commands that Redis answered."),
    MetricDescription("souk_redis_connects_total", .counter, "Connections opened to Redis."),
    MetricDescription(
      "souk_redis_errors_total", .counter, "Failed commands and connections, by code.", labels: ["code"]),
  ]
}
