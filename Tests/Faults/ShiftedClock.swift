import Foundation
import LocalServers

/// The wall clock of processes under test, some seconds ahead of the true one or behind it: a library that is loaded
/// before the C library's. Monotonic clocks are not moved.
struct ShiftedClock: Sendable {
  private let file: String
  private let library: String

  /// - Parameter folder: where the library and the number of seconds are.
  init(folder: String) async throws {
    file = "\(folder)/clock"
    library = "\(folder)/clock.so"
    try Data(Self.source.utf8).write(to: URL(fileURLWithPath: "\(folder)/clock.c"))
    let compiler = try Program.require("cc", package: "g++")
    try await ChildProcess.runOrThrow(
      Launch(compiler, ["-shared", "-fPIC", "-o", library, "\(folder)/clock.c", "-ldl"]))
    jump(to: 0)
  }

  private init(file: String, library: String) {
    self.file = file
    self.library = library
    jump(to: 0)
  }

  /// The same library with a clock of its own in another folder.
  func another(in folder: String) -> ShiftedClock { ShiftedClock(file: "\(folder)/clock", library: library) }

  /// The environment of the processes.
  var environment: [String: String] { ["LD_PRELOAD": library, "SOUK_TEST_CLOCK": file] }

  /// The difference from the true time, in seconds.
  func jump(to seconds: Int64) {
    let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    withUnsafeBytes(of: seconds) { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    close(descriptor)
  }

  private static let source = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>

    static volatile const long long *shift;
    static int (*real)(clockid_t, struct timespec *);

    __attribute__((constructor)) static void prepare(void) {
      *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
      const char *path = getenv("SOUK_TEST_CLOCK");
      int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
      if (file < 0) return;
      void *page = mmap(NULL, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
      close(file);
      if (page != MAP_FAILED) shift = page;
    }

    int clock_gettime(clockid_t id, struct timespec *now) {
      if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
      int code = real(id, now);
      if (code == 0 && id == CLOCK_REALTIME && shift) now->tv_sec += *shift;
      return code;
    }

    int gettimeofday(struct timeval *restrict now, void *restrict zone) {
      struct timespec precise;
      (void)zone;
      int code = clock_gettime(CLOCK_REALTIME, &precise);
      now->tv_sec = precise.tv_sec;
      now->tv_usec = precise.tv_nsec / 1000;
      return code;
    }

    time_t time(time_t *now) {
      struct timespec precise;
      clock_gettime(CLOCK_REALTIME, &precise);
      if (now) *now = precise.tv_sec;
      return precise.tv_sec;
    }

    """
}
