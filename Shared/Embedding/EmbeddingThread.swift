import Core

/// An embedder on a thread of its own: what asks for vectors waits, and the threads that others need do not compute.
package actor EmbeddingThread {
  package nonisolated let embedder: any Embedder
  private let executor = ThreadExecutor(name: "embedding")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  package init(_ embedder: any Embedder) { self.embedder = embedder }

  package func embed(_ texts: [String]) -> [[Float]] { embedder.embed(texts) }
}
