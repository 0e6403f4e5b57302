import Foundation
import Glibc

/// A process's resource usage from the kernel (`/proc/<pid>/status` and `stat`).
struct ProcessReading {
  /// User and system time of all its threads, seconds.
  var cpuSeconds: Double
  /// Resident memory now and at its highest, bytes.
  var resident: Int
  var peak: Int

  /// - Returns: nil when the process is gone.
  init?(pid: pid_t) {
    guard let status = Self.text("/proc/\(pid)/status"), let stat = Self.text("/proc/\(pid)/stat"),
          let resident = Self.kibibytes("VmRSS:", in: status), let peak = Self.kibibytes("VmHWM:", in: status),
          // The command, in parentheses, may hold blanks.
          let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    cpuSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    self.resident = resident << 10
    self.peak = peak << 10
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  private static func kibibytes(_ name: String, in status: String) -> Int? {
    status.split(separator: "\n").first { $0.hasPrefix(name) }?
      .split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
  }

  static func mebibytes(_ bytes: Int) -> String { "\((Double(bytes) / 104_857.6).rounded() / 10) MiB" }
}
