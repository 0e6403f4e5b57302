import CoreMetrics
import Logging
import Synchronization

/// The process-wide log and metric systems; they can be set once only.
enum ProcessSystems {
  private static let isSet = Atomic(false)

  static func bootstrap(service: String, level: Logger.Level, format: LogFormat, output: LogOutput) {
    guard !isSet.exchange(true, ordering: .relaxed) else { return }
    LoggingSystem.bootstrap { label in
      LineLogHandler(label: label, service: service, level: level, format: format, output: output)
    }
    MetricsSystem.bootstrap(PrometheusRegistry.shared)
    PrometheusRegistry.shared.collect { ProcessMetrics.append(to: &$0) }
    PrometheusRegistry.shared.collect { ProcessMetrics.appendBuildInfo(service: service, to: &$0) }
  }
}
