import Archiving
import ArgumentParser
import Core
import ObjectStore

/// How objects are named.
struct S3ConsumerOptions: ParsableArguments {
  @Option(help: "batch: many bars in one object, as JSON Lines; record: one JSON object per bar, named by its time.")
  var layout = ObjectLayout.batch

  @Option(help: ArgumentHelp("First folder of every object, below the prefix of --object-store.", valueName: "path"))
  var keyPrefix = "streaming"

  func validate() throws {
    do { _ = try ObjectKey(keyPrefix) } catch { throw ValidationError("--key-prefix: \(error.message)") }
  }
}
