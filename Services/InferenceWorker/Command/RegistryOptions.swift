import ArgumentParser
import ModelRegistry
import ObjectStoreFlags

/// Where models come from.
package struct RegistryOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Where the registry is, a store with a folder 'models': s3://bucket/prefix or file:///folder "
      + "(default: --object-store).", valueName: "url"))
  package var models: String?

  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions

  package init() {}

  /// - Parameter threads: of XGBoost, for each call.
  /// - Throws: `Failure` of class configuration.
  func registry(threads: Int = 1) throws -> ModelRegistry {
    var options = objectStore
    if let models { options.objectStore = models }
    return ModelRegistry(try options.makeStore(), threads: threads)
  }
}
