import ArgumentParser
import Core
import Glibc
import HTTP
import Logging

/// Where traces go. The variables are OpenTelemetry's own.
package struct TraceOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Collector that spans are sent to, as OTLP/HTTP with JSON, below /v1/traces; without it none are made.",
    valueName: "url"))
  package var otelExporterOtlpEndpoint: String?

  @Option(help: ArgumentHelp("Sent to the collector with each request, such as a token.", valueName: "name=value,..."))
  package var otelExporterOtlpHeaders: String?

  @Option(help: ArgumentHelp("Name of this service in traces (default: the program's name).", valueName: "name"))
  package var otelServiceName: String?

  @Option(help: ArgumentHelp("Attributes of this service in traces.", valueName: "name=value,..."))
  package var otelResourceAttributes: String?

  @Option(help: "Which traces are recorded; the parent-based ones leave it to the service where a trace began.")
  package var otelTracesSampler = TraceSampler.Rule.parentOrOn

  @Option(help: ArgumentHelp("Share of new traces that a traceidratio records.", valueName: "0...1"))
  package var otelTracesSamplerArg = 1.0

  package init() {}

  package mutating func validate() throws {
    guard (0...1).contains(otelTracesSamplerArg) else {
      throw ValidationError("--otel-traces-sampler-arg must be from 0 to 1")
    }
  }

  /// - Returns: nil when no traces are wanted.
  /// - Throws: a configuration `Failure` naming the flag, never a header.
  func exporter(service: String, logger: Logger) throws -> TraceExporter? {
    guard let endpoint = otelExporterOtlpEndpoint, !endpoint.isEmpty else { return nil }
    let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    let url: HTTPURL
    do { url = try HTTPURL("\(base)/v1/traces") } catch {
      throw Self.wrong("--otel-exporter-otlp-endpoint: \(error.message)")
    }
    var headers: HTTPHeaders = [:]
    for (name, value) in try Self.pairs(otelExporterOtlpHeaders, "--otel-exporter-otlp-headers") {
      headers[name] = value
    }
    guard headers.areSafeToSend else { throw Self.wrong("--otel-exporter-otlp-headers: not usable as headers") }
    var resource = [
      ("service.name", otelServiceName ?? service), ("service.version", Souk.version),
      ("service.instance.id", "\(hostName):\(getpid())"), ("telemetry.sdk.name", "souk"),
      ("telemetry.sdk.language", "swift"), ("telemetry.sdk.version", Souk.version),
    ]
    let given = try Self.pairs(otelResourceAttributes, "--otel-resource-attributes")
    // A name of its own setting wins, as OpenTelemetry has it.
    let kept = given.filter { otelServiceName == nil || $0.0 != "service.name" }
    resource.removeAll { own in kept.contains { $0.0 == own.0 } }
    let client = try HTTPClient(HTTPConfiguration(
      // The operator named the collector: that it is private is expected.
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "traces"))
    return TraceExporter(
      tracer: Tracer(TraceSampler(otelTracesSampler, ratio: otelTracesSamplerArg)), url: url, headers: headers,
      resource: (resource + kept).map { (name: $0.0, value: $0.1) }, client: client, logger: logger)
  }

  private var hostName: String {
    var name = [UInt8](repeating: 0, count: 256)
    let failed = name.withUnsafeMutableBytes { gethostname($0.baseAddress!, $0.count - 1) } != 0
    return failed ? "unknown" : String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// `a=1,b=2` with percent-encoded values (W3C Baggage, as OpenTelemetry's variables have it).
  private static func pairs(_ text: String?, _ flag: String) throws(Failure) -> [(String, String)] {
    var pairs: [(String, String)] = []
    for part in (text ?? "").split(separator: ",") {
      let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        String($0.drop { $0 == " " })
      }
      guard words.count == 2, !words[0].isEmpty, let value = PercentEncoding.decode(words[1]) else {
        throw wrong("\(flag) is not name=value,name=value with percent-encoded values")
      }
      pairs.append((words[0], value))
    }
    return pairs
  }

  private static func wrong(_ text: String) -> Failure { Failure(.configuration, code: "invalid_setting", text) }
}

extension TraceSampler.Rule: ExpressibleByArgument {}
