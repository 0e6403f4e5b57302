import Glibc
import Logging
import Masters
import ModelRegistry

/// The model that decides which products rows are, as the registry has it. A file is read with one model to its end.
package typealias MatchModels = WatchedModel<MatchModel>

extension WatchedModel where Model == MatchModel {
  /// - Parameter interval: between two looks for another version.
  package convenience init(
    _ registry: ModelRegistry, name: String, interval: Duration = .seconds(30), logger: Logger
  ) {
    self.init(registry, name: name, interval: interval, logger: logger, version: { $0.version }) { try MatchModel($0) }
  }
}

/// The model that compares names where a deployment has not learnt its own: learnt from invented price lists only
/// (`Training/README.md`), a registry in a folder as `--match-models` takes it.
package enum StarterModel {
  /// Beside an installed program, or in the source tree that this one was built in; nil where neither has it.
  package static var url: String? {
    var folder = ownFolder
    var places = ["\(folder)/../share/souk/masters"]
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      places.append("\(folder)/Services/Parser/Models")
    }
    return places.first { access("\($0)/models/masters/current.json", R_OK) == 0 }.map { "file://\($0)" }
  }

  private static var ownFolder: String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }
}
