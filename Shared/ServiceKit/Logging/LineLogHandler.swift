import Core
import Logging
import Synchronization
import Values

/// Where all log lines of a process go: one write per line, one line at a time, so that lines never mix.
package final class LogOutput: Sendable {
  private let write: Mutex<@Sendable ([UInt8]) -> Void>

  package init(_ write: @escaping @Sendable ([UInt8]) -> Void) { self.write = Mutex(write) }

  func line(_ bytes: [UInt8]) { write.withLock { $0(bytes) } }
}

/// Writes each record as one line, as JSON for machines or as text for people.
package struct LineLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  package var logLevel: Logger.Level
  private let label: String
  private let service: String
  private let format: LogFormat
  private let output: LogOutput
  private let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - label: the logger's own name; shown as `logger` when it is not the service's.
  ///   - service: the program's name as users type it.
  ///   - now: microseconds since 1970, UTC; replaced by tests.
  package init(
    label: String, service: String, level: Logger.Level, format: LogFormat, output: LogOutput,
    now: @escaping @Sendable () -> Int64 = WallClock.microseconds
  ) {
    self.label = label
    self.service = service
    self.format = format
    self.output = output
    self.now = now
    logLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
    if let own = event.metadata { fields.merge(own) { _, new in new } }
    if let trace = TraceContext.current {
      fields["trace_id"] = fields["trace_id"] ?? "\(trace.traceID)"
      fields["span_id"] = fields["span_id"] ?? "\(trace.spanID)"
    }
    if let error = event.error { fields["error"] = fields["error"] ?? "\(error)" }
    let record = LogRecord(
      microseconds: now(), level: event.level, service: service, label: label, message: event.message.description,
      fields: fields)
    var line: [UInt8] = []
    line.reserveCapacity(256)
    switch format {
    case .json: record.appendJSON(to: &line)
    case .human: record.appendText(to: &line)
    }
    line.append(UInt8(ascii: "\n"))
    output.line(line)
  }
}
