import Core
import Foundation

import Glibc

/// A folder of `<SYMBOL>.csv`, or one such file.
package struct BarFolder: Hashable, Sendable {
  package let path: String
  package var format = CSVFormat()
  package static let maxFileBytes = 256 << 20

  /// The symbols with files.
  /// - Throws: `Failure(.configuration)` for a missing or unreadable folder or file.
  package func symbols() throws(Failure) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure(.configuration, code: "bad_source", "--source: there is no \(path)")
    }
    guard isFolder.boolValue else {
      guard access(path, R_OK) == 0 else {
        throw Failure(.configuration, code: "bad_source", "--source: \(path) cannot be read")
      }
      return [Self.symbol(of: path)]
    }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
      throw Failure(.configuration, code: "bad_source", "--source: cannot list \(path): \(error.localizedDescription)")
    }
    return names.filter { $0.hasSuffix(".csv") && !$0.hasPrefix(".") }.map(Self.symbol).sorted()
  }

  /// - Throws: `SourceError`: `symbolRefused` for a symbol without a file; `connectFailed` when the folder has
  ///   disappeared, such as an unmounted one.
  package func bars(of symbol: String) throws(SourceError) -> CSVBars {
    // Symbols are file names, which must not leave the folder.
    guard !symbol.isEmpty, !symbol.hasPrefix("."), !symbol.contains("/"), !symbol.utf8.contains(0) else {
      throw SourceError(.symbolRefused, "\(quoted(symbol)) is not the name of a file")
    }
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists else { throw SourceError(.connectFailed, "there is no \(path)") }
    let file = isFolder.boolValue ? "\(path)/\(symbol).csv" : path
    guard isFolder.boolValue || Self.symbol(of: path) == symbol,
      FileManager.default.fileExists(atPath: file)
    else { throw SourceError(.symbolRefused, "there is no file of bars of \(symbol) at \(path)") }
    let bytes: [UInt8]
    do { bytes = try readFile(file, limit: Self.maxFileBytes) } catch {
      throw SourceError(error.code == "file_too_large" ? .tooLarge : .unreadable, error.message)
    }
    return try CSVBars(bytes, name: file, format: format)
  }

  private static func symbol(of file: String) -> String {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    return name.hasSuffix(".csv") ? String(name.dropLast(4)) : name
  }
}

/// `csv:`: the latest bars of files that another program writes.
package struct CSVSource: BarSource {
  let folder: BarFolder
  let clock: ExchangeClock

  package var label: String { "csv:\(folder.path)" }
  package var isLive: Bool { false }

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    for request in requests {
      try Task.checkCancellation()
      let answer: Result<BarAnswer, SourceError>
      do { answer = .success(try read(request)) } catch {
        if error.isTransient { throw error }
        answer = .failure(error)
      }
      try await deliver(request.symbol, answer)
    }
  }

  private func read(_ request: BarRequest) throws(SourceError) -> BarAnswer {
    var file = try folder.bars(of: request.symbol)
    var bars: [SourceBar] = []
    while let bar = try file.next() { bars.append(bar) }
    bars.sort { $0.time < $1.time }
    var start = max(0, bars.count - request.count)
    if let back = request.reachBackTo {
      start = min(start, bars.firstIndex { clock.position($0, request.interval) >= back } ?? bars.count)
    }
    return BarAnswer(bars: Array(bars[start...]), lost: file.lost)
  }
}
