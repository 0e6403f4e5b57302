import ArgumentParser
import Core
import CoreMetrics
import Glibc
import Logging
import Synchronization

/// One run of a service, from its settings to its exit status.
struct ServiceRun {
  let command: any ServiceCommand
  let host: Host
  /// The program's name, also when a subcommand runs.
  var name: String
  /// Nil when the command was not started by the launcher.
  var resolution: SettingsResolver.Resolution?

  init(command: any ServiceCommand, host: Host, name: String? = nil, resolution: SettingsResolver.Resolution? = nil) {
    self.command = command
    self.host = host
    self.name = name ?? type(of: command)._commandName
    self.resolution = resolution
  }

  func run() async -> ExitStatus {
    let options = command.service
    if options.printConfig {
      guard let resolution else {
        host.standardError(Array("Error: --print-config works only when the program starts by its launcher\n".utf8))
        return .failed
      }
      host.standardOutput(SettingsReport(resolution: resolution).rendered(version: Souk.version))
      return .drained
    }
    let output = LogOutput(host.standardError)
    let format = options.logFormat ?? (host.isTerminal ? .human : .json)
    if host.ownsProcess {
      ProcessSystems.bootstrap(service: name, level: options.logLevel, format: format, output: output)
    }
    if options.check { return await check() }
    let logger = Logger(label: name) { [name] label in
      LineLogHandler(label: label, service: name, level: options.logLevel, format: format, output: output)
    }
    do {
      try await serve(options, logger)
      logger.info("stopped", metadata: ["exit_code": .stringConvertible(0)])
      return .drained
    } catch {
      return report(error, logger)
    }
  }

  /// Runs the command beside its HTTP endpoint.
  private func serve(_ options: ServiceOptions, _ logger: Logger) async throws {
    let health = Health()
    let drain = Drain(
      timeout: options.drainTimeout.duration, health: health, logger: logger, ownsProcess: host.ownsProcess)
    let trap = host.ownsProcess
      ? SignalTrap(onFirst: { drain.start($0) }, onSecond: { _exit($0) }) : nil
    defer { trap?.cancel() }
    // Said once signals are heard: after its first line a process can be stopped in good order.
    logger.info("starting", metadata: ["version": "\(Souk.version)", "pid": .stringConvertible(getpid())])
    for warning in resolution?.warnings ?? [] { logger.warning("settings", metadata: ["warning": "\(warning)"]) }
    let exporter = try options.traces.exporter(service: name, logger: logger)
    let registry = host.ownsProcess ? PrometheusRegistry.shared : PrometheusRegistry()
    registry.describe(type(of: command).metrics + [Tracer.exported, Tracer.dropped])
    registry.collect { HealthMetrics(health: health).append(to: &$0) }

    let endpoint = HTTPServer(
      host: options.httpHost, port: options.httpPort, routes: ServerRoutes(health, registry), logger: logger)
    let port = try await endpoint.start()
    logger.info("listening", metadata: ["port": .stringConvertible(port), "host": "\(options.httpHost)"])
    let watch = Task {
      guard let failure = await endpoint.failure() else { return }
      logger.error("the HTTP endpoint ended", metadata: ["error": "\(failure)"])
      drain.start("HTTP endpoint ended")
    }
    defer { watch.cancel() }

    let context = ServiceContext(
      name: name, logger: logger, drain: drain.interruption, drainTimeout: options.drainTimeout.duration,
      health: health, tracer: exporter?.tracer)
    let ended = Interruption()
    let export = Task { await exporter?.run(until: ended) }
    let outcome: Result<Void, any Error>
    do {
      try await command.run(in: context)
      outcome = .success(())
    } catch is CancellationError where drain.interruption.isRaised {
      // Work that was given up because of the drain is not a failure.
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    drain.finish()
    ended.raise()
    exporter?.tracer.wake()
    // A collector that is away must not hold the end up.
    let patience = Task {
      if (try? await Task.sleep(for: .seconds(2))) != nil { export.cancel() }
    }
    await export.value
    patience.cancel()
    watch.cancel()
    let endpointFailure = host.ownsProcess ? endpoint.leave() : await endpoint.stop()
    try outcome.get()
    if let endpointFailure { throw endpointFailure }
  }

  private func check() async -> ExitStatus {
    let report = CheckReport { [host] line in
      let mark = line.ok ? "ok    " : "failed"
      host.standardOutput("\(mark)  \(line.name)\(line.detail.isEmpty ? "" : ": \(line.detail)")")
    }
    report.ok("settings")
    await command.check(report)
    return report.status
  }

  private func report(_ error: any Error, _ logger: Logger) -> ExitStatus {
    let status = ExitStatus(for: error)
    var fields: Logger.Metadata = ["error": "\(error)", "exit_code": .stringConvertible(status.rawValue)]
    if let classified = error as? any ClassifiedError {
      fields["code"] = "\(classified.code)"
      fields["class"] = "\(classified.errorClass)"
    } else {
      fields["code"] = "unclassified"
      fields["type"] = "\(type(of: error))"
    }
    logger.critical(status == .configuration ? "wrong configuration" : "failed", metadata: fields)
    return status
  }
}

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
