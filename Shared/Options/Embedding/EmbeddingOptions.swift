import ArgumentParser
import Core
import Embedding

/// What turns texts into vectors. Services that write vectors and those that search them need the same.
package struct EmbeddingOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    """
    Folder with model.safetensors and vocab.txt of all-MiniLM-L6-v2; without it vectors are made by hashing words, \
    which finds the same words only.
    """, valueName: "path"))
  package var embeddingModel: String?

  @Option(help: ArgumentHelp(
    "SHA-256 that model.safetensors must have; default: any, told by --check.", valueName: "hex"))
  package var embeddingSha256: String?

  package init() {}

  package func validate() throws {
    if let text = embeddingSha256, SHA256Digest(hex: text) == nil {
      throw ValidationError("--embedding-sha256 must be 64 hexadecimal digits")
    }
  }

  /// - Throws: `Failure` of class configuration that names the file and what is wrong.
  package func embedder() throws(Failure) -> any Embedder {
    guard let embeddingModel else {
      guard embeddingSha256 == nil else {
        throw Failure(.configuration, code: "invalid_setting", "--embedding-sha256 is of --embedding-model")
      }
      return HashingEmbedder()
    }
    return try SentenceEncoder.load(
      folder: embeddingModel, expected: embeddingSha256.flatMap { SHA256Digest(hex: $0) })
  }

  /// The embedder as what a service needs: read before work, and told by `--check`.
  package func need() -> Need<any Embedder> {
    .setting("embedding", { [self] in try embedder() }, says: { embedder in
      let weights = (embedder as? SentenceEncoder).map { ", SHA-256 \($0.hash)" } ?? ""
      return "\(embedder.name), \(embedder.dimensions) dimensions\(weights)"
    })
  }
}
