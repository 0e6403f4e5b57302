import Core
import Glibc
import Testing

@Suite struct SettingTextTests {
  @Test(arguments: [
    ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("2h", .seconds(7_200)),
    ("1d", .seconds(86_400)), ("0s", .zero), ("0ms", .zero),
  ])
  func durationsAreRead(_ text: String, _ duration: Duration) {
    #expect(DurationSetting(text: text)?.duration == duration)
  }

  @Test(arguments: [
    "", "30", "s", "-1s", "1.5s", " 1s", "1s ", "1S", "1 s", "1sec", "٣s",
    "9223372036854775807d", "99999999999999999999s",
  ])
  func otherTextIsNoDuration(_ text: String) {
    #expect(DurationSetting(text: text) == nil)
  }

  @Test(arguments: ["1d", "25s", "90m", "1500ms", "2h", "0ms", "61s"])
  func durationPrintsAsItIsWritten(_ text: String) {
    #expect(DurationSetting(text: text)?.description == text)
  }

  @Test(arguments: [
    ("512", 512), ("0", 0), ("1B", 1), ("64KiB", 65_536), ("16MiB", 16_777_216), ("2GiB", 2_147_483_648),
    ("10kB", 10_000), ("10MB", 10_000_000), ("1GB", 1_000_000_000),
  ])
  func sizesAreRead(_ text: String, _ bytes: Int) {
    #expect(ByteSize(text: text)?.bytes == bytes)
  }

  @Test(arguments: ["", "MiB", "-1", "1.5MiB", "1 MiB", "1mib", "1KB", "1TiB", "9223372036854775807GiB", "٣"])
  func otherTextIsNoSize(_ text: String) {
    #expect(ByteSize(text: text) == nil)
  }

  @Test(arguments: ["64KiB", "16MiB", "2GiB", "1536MiB", "1000", "0"])
  func sizePrintsAsItIsWritten(_ text: String) {
    #expect(ByteSize(text: text)?.description == text)
  }
}

@Suite struct ErrorClassTests {
  struct Unclassified: Error {}

  /// A shortage of descriptors says nothing about the file that a setting names.
  @Test func resourceShortagesAreTransient() {
    for code in [EMFILE, ENFILE, ENOMEM, EINTR] { #expect(ErrorClass(ofSetting: code) == .transient, "\(code)") }
    for code in [ENOENT, EACCES, ENOTDIR, EISDIR] { #expect(ErrorClass(ofSetting: code) == .configuration, "\(code)") }
  }

  @Test(arguments: [ErrorClass.transient, .data, .configuration, .fatal])
  func errorsSayTheirClass(_ errorClass: ErrorClass) {
    let failure = Failure(errorClass, code: "x", "what happened")
    #expect(ErrorClass(of: failure) == errorClass)
    #expect(failure.isTransient == (errorClass == .transient))
    #expect(failure.description == "what happened [x]")
    #expect(failure.retryAfter == nil)
  }

  @Test func unknownErrorsAreFatalAndCancellationIsNot() {
    #expect(ErrorClass(of: Unclassified()) == .fatal)
    #expect(ErrorClass(of: CancellationError()) == .transient)
  }

  @Test func unreadableFileIsAConfigurationError() throws {
    let missing = try #require(throws: Failure.self) { try readFile("/nonexistent/file") }
    #expect(missing.errorClass == .configuration)
    #expect(missing.message.contains("/nonexistent/file") && missing.message.contains("No such file"))
    let large = try #require(throws: Failure.self) { try readFile("/dev/zero", limit: 1 << 20) }
    #expect(large.message == "/dev/zero is larger than 1MiB")
    #expect(try #require(throws: Failure.self) { try readFile("/tmp") }.code == "file_unreadable")
  }
}
