import Core
import Glibc

/// The process as Linux accounts for it, under the names that every Prometheus client uses.
enum ProcessMetrics {
  /// The values of `descriptions`, in their order; nil without /proc.
  static func values() -> [Double]? {
    guard let statistics = try? readFile("/proc/self/stat") else { return nil }
    // The second field, the program's name in parentheses, may itself hold blanks and parentheses.
    guard let end = statistics.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = String(decoding: statistics[(end + 1)...], as: UTF8.self).split(separator: " ")
    func field(_ number: Int) -> Double? { number - 3 < fields.count ? Double(fields[number - 3]) : nil }
    let (ticks, page) = (Double(sysconf(Int32(_SC_CLK_TCK))), Double(sysconf(Int32(_SC_PAGESIZE))))
    guard let user = field(14), let system = field(15), let threads = field(20), let start = field(22),
      let virtual = field(23), let resident = field(24), ticks > 0
    else { return nil }
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return [
      (user + system) / ticks, resident * page, virtual, bootTime + start / ticks, threads,
      Double(openDescriptorCount()), min(Double(limit.rlim_cur), Double(Int64.max)),
    ]
  }

  static let descriptions = [
    MetricDescription("process_cpu_seconds_total", .counter, "CPU time spent, user and system, in seconds."),
    MetricDescription("process_resident_memory_bytes", .gauge, "Resident memory in bytes."),
    MetricDescription("process_virtual_memory_bytes", .gauge, "Virtual memory in bytes."),
    MetricDescription("process_start_time_seconds", .gauge, "Start of the process in seconds since 1970."),
    MetricDescription("process_threads", .gauge, "Threads of the process."),
    MetricDescription("process_open_fds", .gauge, "Open file descriptors."),
    MetricDescription("process_max_fds", .gauge, "Most file descriptors the process may open."),
  ]

  static let buildInfo = MetricDescription(
    "souk_build_info", .gauge, "1; the labels say which service and version this is.", labels: ["service", "version"])

  static func append(to text: inout ExpositionText) {
    for (description, value) in zip(descriptions, values() ?? []) {
      text.family(description.name, description.kind, help: description.help)
      text.sample(description.name, [], value)
    }
  }

  /// Always 1; its labels say what is running.
  static func appendBuildInfo(service: String, to text: inout ExpositionText) {
    text.family(buildInfo.name, buildInfo.kind, help: buildInfo.help)
    text.sample(buildInfo.name, [("service", service), ("version", Souk.version)], 1)
  }

  /// Looked up once: the kernel's answer moves with corrections of the clock, and a start time that moves would look
  /// like a restart.
  private static let bootTime = lookUpBootTime()

  private static func lookUpBootTime() -> Double {
    guard let bytes = try? readFile("/proc/stat") else { return 0 }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("btime ") {
      return Double(line.dropFirst(6)) ?? 0
    }
    return 0
  }

  private static func openDescriptorCount() -> Int64 {
    guard let directory = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(directory) }
    var count: Int64 = 0
    while readdir(directory) != nil { count += 1 }
    // Not ".", "..", and the descriptor of this very walk.
    return count - 3
  }
}

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
