import ArgumentParser
import Catalogue
import Core
import Features
import Glibc
import Indicators
import Kafka
import KafkaFlags
import Messages
import Pipeline
import ServiceKit

/// `signal-worker`: without a subcommand, computes indicators live; `compute` does it of bars that are given.
package struct SignalWorkerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.signalWorker.name, abstract: "Compute indicators of bars, and say which rules fire.",
    version: Souk.version, subcommands: [SignalWorkerCommand.self, ComputeCommand.self],
    defaultSubcommand: SignalWorkerCommand.self)

  package init() {}
}

/// `signal-worker compute`: the same signals from bars that are read, for the batch layer.
struct ComputeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compute", abstract: "Compute the indicators of bars that are read from standard input.",
    discussion: """
      Standard input has messages of \(Topics.marketBars.name), one a line, of each symbol and feed in the order of \
      time and each bar once; with --source flow of \(Topics.optionsFlow.name), with --source sentiment of \
      \(Topics.sentimentEvents.name), each event once. Standard output gets messages of \
      \(Topics.technicalSignals.name), one a line. Nothing is \
      kept and Kafka is not asked. The values are those of the running service to the last bit: both take the same \
      records through the same code. Lines that the service would refuse are left out and counted on standard error.
      """)

  @OptionGroup(title: "Signals") var signals: SignalOptions
  @Option(help: "What the lines are.") var source = Source.bars

  enum Source: String, CaseIterable, ExpressibleByArgument, Sendable { case bars, flow, sentiment }

  func run() async throws {
    var output = LineOutput(descriptor: 1)
    var input = LineInput(descriptor: 0)
    let leftOut: [String: Int]
    if let kind = WindowPlan.Kind(rawValue: source.rawValue) {
      var computation = WindowComputation(try signals.windows(), signals.settings(group: ""), kind)
      while try input.next({ line in computation.take(line.bytes) { output.append($0) } }) {
        if output.isFull { try output.flush() }
      }
      computation.finish { output.append($0) }
      leftOut = computation.leftOut
    } else {
      var computation = SignalComputation(try signals.plan(), signals.settings(group: ""))
      while try input.next({ line in computation.take(line.bytes) { output.append($0) } }) {
        if output.isFull { try output.flush() }
      }
      leftOut = computation.leftOut
    }
    try output.flush()
    if !leftOut.isEmpty {
      let words = leftOut.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      var errors = LineOutput(descriptor: 2)
      errors.append("left out: \(words.joined(separator: ", "))")
      try errors.flush()
    }
  }
}

/// Bars in, signals out: what signal-worker does between its topics, without them.
package struct SignalComputation: ~Copyable {
  private let plan: SignalPlan
  private var reader: BarReader
  private var clock: SessionClock
  private var series: [SymbolName: SymbolSeries] = [:]
  /// Lines that make no signal, by the reason.
  package private(set) var leftOut: [String: Int] = [:]

  package init(_ plan: SignalPlan, _ settings: SignalSink.Settings) {
    self.plan = plan
    reader = BarReader(feeds: settings.feeds, maxAhead: settings.maxAhead)
    clock = plan.clock
  }

  package mutating func take(_ message: RawSpan, _ report: (TechnicalSignal) -> Void) {
    let minute: BarReader.Minute
    switch reader.read(message) {
    case .minute(let read): minute = read
    case .other(.skip(let reason)): return leftOut[reason, default: 0] += 1
    case .other(.reject(let rejection)): return leftOut[rejection.code, default: 0] += 1
    case .other(.keep): return
    }
    let plan = plan
    let outcome = series[minute.name, default: SymbolSeries(plan)].take(
      minute.bar, knownNs: minute.knownNs, &clock
    ) { interval, row in
      report(TechnicalSignal(minute.name, plan.set, plan.intervals[interval], row, knownNs: minute.knownNs))
    }
    switch outcome {
    case .appended, .revised: break
    case .unchanged: leftOut["unchanged", default: 0] += 1
    case .outsideHours: leftOut["outside_hours", default: 0] += 1
    case .tooOld: leftOut["too_old", default: 0] += 1
    }
  }
}

/// Events in, signals out: the windows of signal-worker without its topics.
package struct WindowComputation {
  private let plan: WindowPlan
  private let kind: WindowPlan.Kind
  private let reader: EventReader
  private var windows: [WindowBook.Name: EventWindows] = [:]
  /// Lines that make no signal, by the reason.
  package private(set) var leftOut: [String: Int] = [:]

  package init(_ plan: WindowPlan, _ settings: SignalSink.Settings, _ kind: WindowPlan.Kind) {
    (self.plan, self.kind) = (plan, kind)
    reader = EventReader(feeds: settings.feeds, maxAhead: Int64(settings.maxAhead / .nanoseconds(1)))
  }

  /// The signals of a day are complete, and said, with the first event of a later day.
  package mutating func take(_ message: RawSpan, _ report: (TechnicalSignal) -> Void) {
    let (name, event): (WindowBook.Name, FeatureEvent)
    switch reader.read(message, kind) {
    case .event(let read): (name, event) = read
    case .other(.skip(let reason)): return leftOut[reason, default: 0] += 1
    case .other(.reject(let rejection)): return leftOut[rejection.code, default: 0] += 1
    case .other(.keep): return
    }
    var own = windows.removeValue(forKey: name) ?? EventWindows(kind)
    if let newest = own.newest, plan.slot(of: event.timeNs).day > newest { Self.say(&own, name, plan, report) }
    let outcome = own.take(event, plan)
    windows[name] = own
    switch outcome {
    case .taken: break
    case .unchanged: leftOut["unchanged", default: 0] += 1
    case .outsideHours: leftOut["outside_hours", default: 0] += 1
    case .tooOld: leftOut["too_old", default: 0] += 1
    }
  }

  /// Says the signals of the last days.
  package mutating func finish(_ report: (TechnicalSignal) -> Void) {
    for name in windows.keys.sorted() {
      var own = windows[name] ?? EventWindows(kind)
      Self.say(&own, name, plan, report)
      windows[name] = own
    }
  }

  private static func say(
    _ windows: inout EventWindows, _ name: WindowBook.Name, _ plan: WindowPlan, _ report: (TechnicalSignal) -> Void
  ) {
    windows.forEachChanged(plan) { report(TechnicalSignal(name, $0)) }
    windows.settle()
  }
}

/// Lines of a descriptor, however they are cut into pieces.
private struct LineInput {
  let descriptor: Int32
  private var bytes: [UInt8] = []
  private var start = 0
  private var hasEnded = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// - Returns: false behind the last line.
  mutating func next(_ body: (Span<UInt8>) -> Void) throws -> Bool {
    while true {
      if let end = bytes[start...].firstIndex(of: 0x0a) {
        if end > start { body(bytes.span.extracting(start..<end)) }
        start = end + 1
        return true
      }
      if hasEnded {
        if start < bytes.count { body(bytes.span.extracting(start..<bytes.count)) }
        bytes.removeAll()
        start = 0
        return false
      }
      try fill()
    }
  }

  private mutating func fill() throws {
    bytes.removeFirst(start)
    start = 0
    let known = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: 1 << 20))
    let count = bytes.withUnsafeMutableBytes { buffer in
      var count: Int
      repeat { count = read(descriptor, buffer.baseAddress! + known, 1 << 20) } while count < 0 && errno == EINTR
      return count
    }
    guard count >= 0 else { throw Failure(.fatal, code: "read_failed", "cannot read standard input: errno \(errno)") }
    bytes.removeLast((1 << 20) - count)
    hasEnded = count == 0
  }
}

/// Messages as lines, written in large pieces.
private struct LineOutput: ~Copyable {
  let descriptor: Int32
  private var bytes: [UInt8] = []
  private var writer = JSONWriter()

  init(descriptor: Int32) { self.descriptor = descriptor }

  var isFull: Bool { bytes.count >= 1 << 20 }

  mutating func append(_ line: String) {
    bytes += line.utf8
    bytes.append(0x0a)
  }

  mutating func append(_ signal: TechnicalSignal) {
    writer.clear()
    signal.encode(into: &writer)
    bytes += writer.array()
    bytes.append(0x0a)
  }

  mutating func flush() throws {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Failure(.fatal, code: "write_failed", "cannot write: errno \(errno)") }
      written += count
    }
    bytes.removeAll(keepingCapacity: true)
  }
}

/// `signal-worker`: bars in, indicators and the rules that fire out.
struct SignalWorkerCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Compute indicators of bars, and say which rules fire.",
    discussion: """
      Consumes the minutes of \(Topics.marketBars.name), and the events of \(Topics.optionsFlow.name) and \
      \(Topics.sentimentEvents.name) by hours, publishes \(Topics.technicalSignals.name), and keeps what it \
      has to know of each symbol in \(Topics.signalStates.name). Signals depend on these records alone: to read them \
      again makes the same signals, under the same ids.
      """,
    version: Souk.version)

  @OptionGroup(title: "Signals") var signals: SignalOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics: [MetricDescription] =
    SignalMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table

  private static var entry: ServiceEntry { ServiceCatalogue.signalWorker }

  func work(_ needs: Needs) -> Work {
    let (signals, context) = (signals, needs.context)
    let consumer = needs.consumer(Self.entry, kafka, pipeline)
    let plan = needs.add(Need.setting("indicators", { try signals.plan() }, says: { plan in
      "\(plan.set.outputs.count) values and \(plan.set.rules.count) rules of bars of \(signals.intervals), "
        + "\(signals.hours) hours"
    }))
    let windows = needs.add(Need.setting("events", { try signals.windows() }, says: { plan in
      "hours of options flow and of stories are compared with \(plan.days) days"
    }))
    let changelog = needs.states(of: consumer, in: Topics.signalStates) { SignalMetrics().unreadableState() }
    return consumer.sink(signals.policy, isCoPartitioned: true) { output in
      SignalSink(
        try plan.value, try windows.value, signals.settings(group: consumer.group), identity: consumer.identity,
        source: try changelog.value, output: output, logger: context.logger)
    }
  }
}
