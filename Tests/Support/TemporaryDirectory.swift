import LocalServers

/// Calls `body` with the path of an empty folder that is removed afterwards, also when the process is killed (by
/// the next test process).
package func withTemporaryDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
  let folder = try PrivateFolder("test")
  defer { folder.remove() }
  return try await body(folder.path)
}
