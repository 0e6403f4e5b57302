import CXGBoost
import Foundation

/// A booster's trees laid out for walking: eight bytes a node, the two children of a node side by side. Eight rows walk
/// a tree at once, because each step waits for the one before.
///
/// Its answers are XGBoost's to the last bit: the leaves are added up in the same order, in the same precision.
final class FlatTrees: Sendable {
  private struct Node: BitwiseCopyable {
    var threshold: Float
    var feature: UInt16
    /// The child of values below the threshold; the next node is the other child. No value is below a leaf's threshold,
    /// and its next node is itself.
    var left: UInt16
  }
  private struct Tree: BitwiseCopyable {
    var start: Int
    var depth: Int
  }

  /// Rows whose features stay in the processor's caches while all trees look at them.
  private static let block = 64

  nonisolated(unsafe) private let nodes: UnsafeMutablePointer<Node>
  nonisolated(unsafe) private let leaves: UnsafeMutablePointer<Float>
  private let nodeCount: Int
  private let trees: [Tree]
  private let features: Int
  /// What the sum of the leaves begins with.
  private let base: Float
  private let isLogistic: Bool

  /// - Returns: nil for trees that only the library walks: other objectives than regression and two classes, weighted
  ///   trees, categories, and files that this program does not know.
  init?(_ booster: BoosterHandle) {
    var count: bst_ulong = 0
    var bytes: UnsafePointer<CChar>?
    guard XGBoosterSaveModelToBuffer(booster, #"{"format": "json"}"#, &count, &bytes) == 0, let bytes
    else { return nil }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let file = try? decoder.decode(TreeDump.self, from: Data(bytes: bytes, count: Int(count))), file.isPlain,
      let base = Float(file.learner.learnerModelParam.baseScore),
      let features = Int(file.learner.learnerModelParam.numFeature), features <= Int(UInt16.max)
    else { return nil }
    self.features = features
    isLogistic = file.isLogistic
    self.base = isLogistic ? -logf(1 / base - 1) : base
    var (nodes, leaves, trees): ([Node], [Float], [Tree]) = ([], [], [])
    for tree in file.learner.gradientBooster.model.trees {
      let start = nodes.count
      guard let depth = Self.lay(tree, features, &nodes, &leaves) else { return nil }
      trees.append(Tree(start: start, depth: depth))
    }
    self.trees = trees
    nodeCount = nodes.count
    self.nodes = .allocate(capacity: nodes.count)
    self.nodes.initialize(from: nodes, count: nodes.count)
    self.leaves = .allocate(capacity: leaves.count)
    self.leaves.initialize(from: leaves, count: leaves.count)
  }

  deinit {
    nodes.deallocate()
    leaves.deallocate()
  }

  /// Appends the nodes of a tree, level by level.
  /// - Returns: the number of steps to its deepest leaf; nil when it is no tree.
  private static func lay(
    _ tree: TreeDump.Tree, _ features: Int, _ nodes: inout [Node], _ leaves: inout [Float]
  ) -> Int? {
    let count = tree.leftChildren.count
    guard 1...Int(UInt16.max) ~= count, tree.rightChildren.count == count, tree.splitIndices.count == count,
      tree.splitConditions.count == count else { return nil }
    var order = [0]
    var (place, end, depth) = (0, 1, 0)
    while place < order.count {
      if place == end { (end, depth) = (order.count, depth + 1) }
      let number = order[place]
      let (left, right, feature) = (tree.leftChildren[number], tree.rightChildren[number], tree.splitIndices[number])
      if left == -1 {
        nodes.append(Node(threshold: -.infinity, feature: 0, left: UInt16(truncatingIfNeeded: place - 1)))
        leaves.append(tree.splitConditions[number])
      } else {
        guard 0..<count ~= left, 0..<count ~= right, 0..<features ~= feature, order.count + 2 <= count
        else { return nil }
        nodes.append(
          Node(threshold: tree.splitConditions[number], feature: UInt16(feature), left: UInt16(order.count)))
        leaves.append(0)
        order += [left, right]
      }
      place += 1
    }
    return depth
  }

  /// As `Booster.predict`.
  func predict(_ matrix: [Float], rows: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows) { sums, count in
      matrix.withUnsafeBufferPointer { matrix in
        guard let target = sums.baseAddress, let source = matrix.baseAddress else { return }
        for row in stride(from: 0, to: rows, by: Self.block) {
          walk(source + row * features, min(Self.block, rows - row), target + row)
        }
      }
      count = rows
    }
  }

  private func walk(_ rows: UnsafePointer<Float>, _ count: Int, _ sums: UnsafeMutablePointer<Float>) {
    let width = features
    sums.initialize(repeating: base, count: count)
    for tree in trees {
      let (nodes, leaves) = (UnsafePointer(nodes + tree.start), UnsafePointer(leaves + tree.start))
      var row = 0
      while row + 8 <= count {
        let first = rows + row * width
        var (a, b, c, d, e, f, g, h) = (0, 0, 0, 0, 0, 0, 0, 0)
        for _ in 0..<tree.depth {
          a = Self.next(a, nodes, first)
          b = Self.next(b, nodes, first + width)
          c = Self.next(c, nodes, first + 2 * width)
          d = Self.next(d, nodes, first + 3 * width)
          e = Self.next(e, nodes, first + 4 * width)
          f = Self.next(f, nodes, first + 5 * width)
          g = Self.next(g, nodes, first + 6 * width)
          h = Self.next(h, nodes, first + 7 * width)
        }
        sums[row] += leaves[a]
        sums[row + 1] += leaves[b]
        sums[row + 2] += leaves[c]
        sums[row + 3] += leaves[d]
        sums[row + 4] += leaves[e]
        sums[row + 5] += leaves[f]
        sums[row + 6] += leaves[g]
        sums[row + 7] += leaves[h]
        row += 8
      }
      while row < count {
        var place = 0
        for _ in 0..<tree.depth { place = Self.next(place, nodes, rows + row * width) }
        sums[row] += leaves[place]
        row += 1
      }
    }
    guard isLogistic else { return }
    // As in XGBoost's `Sigmoid`.
    for row in 0..<count { sums[row] = 1 / (expf(min(-sums[row], 88.7)) + 1 + 1e-16) }
  }

  @inline(__always)
  private static func next(_ place: Int, _ nodes: UnsafePointer<Node>, _ row: UnsafePointer<Float>) -> Int {
    let node = nodes[place]
    return Int(node.left &+ (row[Int(node.feature)] < node.threshold ? 0 : 1))
  }

  /// Rows at and beside the thresholds, which tell trees apart that differ anywhere.
  func probes(_ rows: Int) -> [Float] {
    var places = [[Float]](repeating: [0], count: features)
    for place in 0..<nodeCount where nodes[place].threshold.isFinite {
      places[Int(nodes[place].feature)].append(nodes[place].threshold)
    }
    var state: UInt64 = 1
    return (0..<rows * features).map { place in
      // Knuth's multiplicative generator (MMIX).
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let values = places[place % features]
      let value = values[Int(state >> 33) % values.count]
      return state >> 32 & 1 == 0 ? value : value.nextDown
    }
  }
}

/// What is read of a model as XGBoost 1.7 writes it in JSON.
private struct TreeDump: Decodable {
  struct Learner: Decodable {
    var gradientBooster: Trees
    var learnerModelParam: Parameters
    var objective: Objective
  }
  struct Parameters: Decodable {
    var baseScore: String
    var numClass: String
    var numFeature: String
    var numTarget: String?
  }
  struct Objective: Decodable { var name: String }
  struct Trees: Decodable {
    var name: String
    var model: Model
  }
  struct Model: Decodable { var trees: [Tree] }
  struct Tree: Decodable {
    var leftChildren: [Int]
    var rightChildren: [Int]
    var splitIndices: [Int]
    /// Of a leaf its value.
    var splitConditions: [Float]
    var splitType: [Int]
  }
  var learner: Learner

  var isLogistic: Bool { learner.objective.name == "binary:logistic" }
  var isPlain: Bool {
    (isLogistic || learner.objective.name == "reg:squarederror") && learner.gradientBooster.name == "gbtree"
      && learner.learnerModelParam.numClass == "0" && learner.learnerModelParam.numTarget ?? "1" == "1"
      && learner.gradientBooster.model.trees.allSatisfy { $0.splitType.allSatisfy { $0 == 0 } }
  }
}
