import Foundation

/// The figures of one kind of message, ours next to those of the other codecs.
struct CodecReport {
  let title: String
  let unit: String
  var perCall = 1.0
  /// Set for messages whose size matters: MB/s are printed too.
  var bytesPerCall: Int?
  var read = 0.0
  var write = 0.0
  private var foundation: (read: Double, write: Double)?
  private var orjson: (read: Double, write: Double)?

  init(title: String, unit: String, perCall: Double = 1, bytesPerCall: Int? = nil) {
    self.title = title
    self.unit = unit
    self.perCall = perCall
    self.bytesPerCall = bytesPerCall
  }

  /// Runs Foundation's and, if Python has it, orjson's codec on the same bytes.
  mutating func compare<Plain: Codable>(_: Plain.Type, with bytes: [UInt8], seconds: Double) throws {
    let data = Data(bytes)
    let (decoder, encoder) = (JSONDecoder(), JSONEncoder())
    let value = try decoder.decode(Plain.self, from: data)
    foundation = (
      read: try rate(seconds: seconds) { _ = try decoder.decode(Plain.self, from: data) },
      write: try rate(seconds: seconds) { _ = try encoder.encode(value) }
    )
    orjson = Orjson.rates(of: data, seconds: seconds)
  }

  func print() {
    Swift.print("\n\(title)")
    line("ours", (read, write))
    if let foundation { line("Foundation", foundation) }
    if let orjson {
      line("orjson", orjson)
    } else {
      Swift.print("  orjson        absent: python3 cannot import it")
    }
  }

  private func line(_ name: String, _ rates: (read: Double, write: Double)) {
    func figure(_ calls: Double) -> String {
      let rate = calls * perCall
      var text = rate >= 1e6 ? String(format: "%.2f M", rate / 1e6) : String(format: "%.0f k", rate / 1e3)
      text += "\(unit)/s"
      if let bytesPerCall { text += String(format: ", %.0f MB/s", calls * Double(bytesPerCall) / 1e6) }
      return text.padding(toLength: 32, withPad: " ", startingAt: 0)
    }
    let ratio = name == "ours" ? "" : String(format: "ours is %.1fx / %.1fx", read / rates.read, write / rates.write)
    Swift.print("  \(name.padding(toLength: 12, withPad: " ", startingAt: 0))  read \(figure(rates.read))"
      + "write \(figure(rates.write))\(ratio)")
  }
}

/// Python's fastest JSON codec, run in a process of its own.
enum Orjson {
  private static let program = """
    import sys, time
    import orjson
    data = sys.stdin.buffer.read()
    seconds = float(sys.argv[1])
    value = orjson.loads(data)
    def rate(call, argument):
        batch = 1
        while True:
            start = time.thread_time()
            for _ in range(batch): call(argument)
            if time.thread_time() - start > seconds / 20: break
            batch *= 2
        rates = []
        for _ in range(3):
            start, calls = time.thread_time(), 0
            while time.thread_time() - start < seconds / 3:
                for _ in range(batch): call(argument)
                calls += batch
            rates.append(calls / (time.thread_time() - start))
        return sorted(rates)[1]
    print(rate(orjson.loads, data), rate(orjson.dumps, value))
    """

  /// Calls per second of CPU time; nil when there is no Python or no orjson.
  static func rates(of data: Data, seconds: Double) -> (read: Double, write: Double)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program, "\(seconds)"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    // A Python without orjson exits before it reads; SIGPIPE must not end this process.
    signal(SIGPIPE, SIG_IGN)
    try? input.fileHandleForWriting.write(contentsOf: data)
    try? input.fileHandleForWriting.close()
    let text = (try? output.fileHandleForReading.readToEnd()).flatMap { String(data: $0, encoding: .utf8) } ?? ""
    process.waitUntilExit()
    let figures = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    return figures.count == 2 ? (figures[0], figures[1]) : nil
  }
}
