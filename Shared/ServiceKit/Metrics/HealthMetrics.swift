/// What a process says on `/readyz` and `/livez`, for those who only look at `/metrics`.
struct HealthMetrics: Sendable {
  let health: Health

  static let descriptions = [
    MetricDescription("souk_ready", .gauge, "1 while /readyz answers 200."),
    MetricDescription("souk_alive", .gauge, "1 while /livez answers 200."),
    MetricDescription(
      "souk_ready_condition", .gauge, "1 for each condition of /readyz that holds, 0 for one that does not.",
      labels: ["condition"]),
  ]

  func append(to text: inout ExpositionText) {
    let readiness = health.readinessReport
    let values: [[(labels: [(String, String)], holds: Bool)]] = [
      [([], readiness.ok)], [([], health.livenessReport.ok)],
      readiness.entries.map { ([("condition", $0.name)], $0.ok) },
    ]
    for (description, samples) in zip(Self.descriptions, values) {
      text.family(description.name, description.kind, help: description.help)
      for sample in samples { text.sample(description.name, sample.labels, integer: sample.holds ? 1 : 0) }
    }
  }
}
