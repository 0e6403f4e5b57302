import Core

import Glibc

/// Finds executables, and says what to do when one is missing.
package enum Program {
  /// The path of an executable file: `name` itself if it holds a slash, else the first match in `folders`, then `PATH`.
  package static func find(_ name: String, in folders: [String] = []) -> String? {
    if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    return (folders + path.split(separator: ":").map(String.init)).lazy
      .map { "\($0)/\(name)" }
      .first { access($0, X_OK) == 0 }
  }

  /// - Throws: `Failure` of class configuration, code `program_missing`, naming the package that has it.
  package static func require(_ name: String, in folders: [String] = [], package: String) throws -> String {
    if let path = find(name, in: folders) { return path }
    throw Failure(
      .configuration, code: "program_missing",
      "\(name) was not found; install \(package), or run `make deps` in the project's folder")
  }

  /// Where programs of the project's private Python environment may be: `.souk/venv/bin` of the working directory, and
  /// of every folder above the build (which is `<project>/.build/<triple>/<configuration>`).
  package static var environmentFolders: [String] {
    var folder = ownFolder
    var candidates = [getcwd(nil, 0).map { path in
      defer { free(path) }
      return String(cString: path)
    } ?? "."]
    while let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
      folder = String(folder[..<slash])
      candidates.append(folder)
    }
    return candidates.map { "\($0)/.souk/venv/bin" }
  }

  /// The first of the folders above the running executable that has this file or folder, with its name behind it: what
  /// a working copy has above its build.
  package static func above(_ name: String) -> String? {
    var folder = ownFolder[...]
    while let slash = folder.lastIndex(of: "/") {
      folder = folder[..<slash]
      if access("\(folder)/\(name)", R_OK) == 0 { return "\(folder)/\(name)" }
    }
    return nil
  }

  /// The folder of the running executable, where a build puts all executables and test bundles.
  package static var ownFolder: String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { return "." }
    let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
  }
}
