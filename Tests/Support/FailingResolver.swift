import Glibc
import LocalServers

/// A resolver for a process under test, loaded before the C library's: while it fails, names that end in
/// `.missing.test` do not resolve and names that end in `.stalled.test` get no answer; afterwards both are 127.0.0.1.
/// Every other name resolves as usual.
package struct FailingResolver: Sendable {
  private let gate: String
  private let library: String

  /// - Parameter folder: where the library is built.
  package init(folder: String) async throws {
    gate = "\(folder)/resolver-fails"
    library = "\(folder)/resolver.so"
    let compiler = try Program.require("cc", package: "g++")
    try Self.write(Self.source, to: "\(folder)/resolver.c")
    try await ChildProcess.runOrThrow(
      Launch(compiler, ["-shared", "-fPIC", "-o", library, "\(folder)/resolver.c", "-ldl"]))
    try Self.write("", to: gate)
  }

  private init(gate: String, library: String) {
    self.gate = gate
    self.library = library
  }

  /// The same library with a gate of its own in another folder; it does not fail yet.
  package func another(in folder: String) -> FailingResolver {
    FailingResolver(gate: "\(folder)/resolver-fails", library: library)
  }

  /// The environment of the process.
  package var environment: [String: String?] { ["LD_PRELOAD": library, "SOUK_TEST_RESOLVER_GATE": gate] }

  package func recover() { unlink(gate) }
  /// Fails again after `recover`.
  package func fail() throws { try Self.write("", to: gate) }

  private static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw ConditionNotMet(description: "cannot write \(path)") }
    fputs(text, file)
    fclose(file)
  }

  private static let source = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <netdb.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

    static int ends(const char *text, const char *end) {
      size_t length = strlen(text), tail = strlen(end);
      return length >= tail && strcmp(text + length - tail, end) == 0;
    }

    int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
      int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
      *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
      int missing = node && ends(node, ".missing.test"), stalled = node && ends(node, ".stalled.test");
      if (missing || stalled) {
        while (access(getenv("SOUK_TEST_RESOLVER_GATE"), F_OK) == 0) {
          if (missing) return EAI_NONAME;
          usleep(20000);
        }
        node = "127.0.0.1";
      }
      return real(node, service, hints, result);
    }

    """
}
