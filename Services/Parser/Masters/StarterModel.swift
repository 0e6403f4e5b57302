import Glibc

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
