import ArgumentParser
import Core
import Embedding
import Foundation
import LocalServers
import Redis
import SearchStore
import Tensors
import TestSupport

/// `souk-bench knn`: the nearest passages out of Redis Search, beside exact ones.
struct KNNBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "knn",
    abstract: "Find the nearest of 200,000 passages in Redis Search; every distance is computed as the truth.",
    discussion: """
      Vectors of 384 components lie around 2,000 centres, as passages around topics. They are written as hot-writer \
      writes them, with 1,000 characters of text, and asked for with the command of the gateway, one question after \
      the other over one connection. The bound is the inner product with every vector, by OpenBLAS on one core.
      """)

  @Option(help: "Passages.")
  var passages = 200_000
  @Option(help: "Questions.")
  var questions = 1_000
  @Option(help: "Passages of an answer.")
  var count = 10

  private static let width = 384

  func run() async throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let server = try await PrivateRedis.start(modules: true)
    let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url), timeout: .seconds(60)))
    var random = TestRandom(seed: 1)
    let vectors = Self.vectors(passages + questions, &random)
    let empty = try await memory(client)
    var keeper = IndexKeeper(.passages)
    try await keeper.require("bench", dimensions: Self.width, client)
    let begin = ContinuousClock.now
    try await write(vectors, client)
    while try await keeper.look(client).first?.documents != Int64(passages) { try await Task.sleep(for: .seconds(1)) }
    let written = (ContinuousClock.now - begin) / .seconds(1)
    let used = try await memory(client) - empty
    print(String(
      format: "%d passages of %d components written and indexed in %.0f s; %.0f MiB, %.1f KB each", passages,
      Self.width, written, used / 1_048_576, used / Double(passages) / 1_000))
    try await ask(vectors, client)
    await client.close()
    await server.stop()
  }

  private func ask(_ vectors: FloatBuffer, _ client: RedisClient) async throws {
    var times: [Double] = []
    var answers: [Set<Int>] = []
    // All questions first: what is computed beside them would be measured with them.
    for question in 0..<questions {
      let place = vectors.start + (passages + question) * Self.width
      let vector = Array(UnsafeBufferPointer(start: place, count: Self.width))
      let begin = ContinuousClock.now
      let reply = try await client.send(PassageSearch.nearest(to: vector, count))
      times.append((ContinuousClock.now - begin) / .milliseconds(1))
      answers.append(Set((reply.array ?? []).compactMap(\.text).compactMap { Int($0.dropFirst(4)) }))
    }
    let scores = FloatBuffer(passages)
    var (hits, exact) = (0, 0.0)
    for (question, found) in answers.enumerated() {
      let place = vectors.start + (passages + question) * Self.width
      let clock = CPUClock()
      MatrixProduct.multiply(
        .init(vectors.start, stride: Self.width), .init(place, stride: 1), transposed: false,
        into: .init(scores.start, stride: 1), adding: false, rows: passages, inner: Self.width, columns: 1)
      var best: [(score: Float, id: Int)] = []
      for id in 0..<passages where best.count < count || scores.start[id] > best[count - 1].score {
        best.insert((scores.start[id], id), at: best.firstIndex { $0.score < scores.start[id] } ?? best.count)
        if best.count > count { best.removeLast() }
      }
      exact += clock.seconds
      hits += best.filter { found.contains($0.id) }.count
    }
    times.sort()
    print(String(
      format: "the nearest %d: p50 %.2f ms, p99 %.2f ms, recall %.4f; exact on one core %.1f ms", count,
      times[times.count / 2], times[times.count * 99 / 100], Double(hits) / Double(questions * count),
      exact / Double(questions) * 1_000))
  }

  private func write(_ vectors: FloatBuffer, _ client: RedisClient) async throws {
    let words = EmbedBench.texts(500, words: 140)
    var start = 0
    while start < passages {
      var pipeline = RedisPipeline()
      for id in start..<min(start + 500, passages) {
        let vector = Array(UnsafeBufferPointer(start: vectors.start + id * Self.width, count: Self.width))
        let fields = [
          "doc:\(id)", "text", words[id % words.count], "heading", "Item 7", "symbols", "S\(id % 100)", "form", "10-K",
          "document", "edgar/\(id / 300)", "published_ms", "\(id)", "model", "bench", "vector",
        ]
        pipeline.append(RedisCommand("HSET", fields.map { Array($0.utf8) } + [VectorBytes.encode(vector)]))
      }
      for failure in try await client.run(pipeline).failures { throw failure.error }
      start += 500
    }
  }

  private func memory(_ client: RedisClient) async throws -> Double {
    let text = try await client.send(RedisCommand("INFO", "memory")).text ?? ""
    return text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }
      .flatMap { Double($0.dropFirst(12)) } ?? 0
  }

  /// Each a centre and as much again in a random direction, of length 1.
  private static func vectors(_ count: Int, _ random: inout TestRandom) -> FloatBuffer {
    func gaussians(_ count: Int, _ random: inout TestRandom) -> FloatBuffer {
      let numbers = FloatBuffer(count)
      for index in 0..<count {
        // The sum of four uniform numbers is near enough to a Gaussian one.
        var bits = random.next()
        var sum: Float = -2
        for _ in 0..<4 {
          sum += Float(bits & 0xffff) / 65_536
          bits >>= 16
        }
        numbers.start[index] = sum
      }
      return numbers
    }
    let centres = gaussians(2_000 * width, &random), all = gaussians(count * width, &random)
    for row in 0..<count {
      let place = all.start + row * width
      let centre = centres.start + Int(random.next() % 2_000) * width
      for index in 0..<width { place[index] += centre[index] }
      let length = MatrixProduct.dot(place, place, width).squareRoot()
      for index in 0..<width { place[index] /= length }
    }
    return all
  }
}
