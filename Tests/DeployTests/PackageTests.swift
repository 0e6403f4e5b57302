import Foundation
import Testing

/// The Swift packages that this release was tested with. A resolved file made from a mirror would name revisions that
/// are not the publishers', so the versions stand here, and the ranges of Package.swift keep to them.
@Suite struct PackageTests {
  private static let tested: [String: String] = [
    "async-http-client": "1.37.0",
    "hummingbird": "2.28.1",
    "swift-algorithms": "1.2.1",
    "swift-argument-parser": "1.8.2",
    "swift-asn1": "1.7.4",
    "swift-async-algorithms": "1.1.4",
    "swift-atomics": "1.3.0",
    "swift-certificates": "1.21.1",
    "swift-collections": "1.6.0",
    "swift-configuration": "1.4.0",
    "swift-crypto": "4.5.2",
    "swift-distributed-tracing": "1.7.3",
    "swift-http-structured-headers": "1.7.0",
    "swift-http-types": "1.8.0",
    "swift-log": "1.16.2",
    "swift-metrics": "2.13.0",
    "swift-nio": "2.101.2",
    "swift-nio-extras": "1.35.2",
    "swift-nio-http2": "1.46.0",
    "swift-nio-ssl": "2.37.6",
    "swift-nio-transport-services": "1.28.0",
    "swift-numerics": "1.1.1",
    "swift-service-context": "1.5.1",
    "swift-service-lifecycle": "2.13.0",
    "swift-subprocess": "1.0.2",
    "swift-system": "1.8.1",
    "yams": "6.2.2",
  ]

  private struct Resolved: Decodable {
    struct Pin: Decodable {
      struct State: Decodable { var version: String? }
      var identity: String
      var state: State
    }
    var pins: [Pin]
  }

  private func minor(_ version: String) -> Substring {
    version.prefix(upTo: version.lastIndex(of: ".") ?? version.endIndex)
  }

  @Test func directDependenciesStayWithinTheTestedMinor() throws {
    let manifest = try Repository.text("Package.swift")
    let packages = manifest.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)", ([^)]*\))(?:, traits: \[\])?\)/)
    #expect(packages.count == manifest.matches(of: /\.package\(url:/).count && !packages.isEmpty)
    for package in packages {
      let range = try #require(
        package.2.wholeMatch(of: /\.upToNextMinor\(from: "([0-9.]+)"\)/), "\(package.1): \(package.2)")
      #expect(Self.tested[package.1.lowercased()] == String(range.1), "\(package.1)")
    }
  }

  /// What this build was made of is what the list says, to the minor version; a patch is admitted.
  @Test func theBuildIsMadeOfTheTestedVersions() throws {
    guard let file = FileManager.default.contents(atPath: Repository.path("Package.resolved")) else {
      print("skipped: there is no Package.resolved")
      return
    }
    let resolved = try JSONDecoder().decode(Resolved.self, from: file)
    #expect(Set(resolved.pins.map(\.identity)) == Set(Self.tested.keys))
    for pin in resolved.pins {
      let version = try #require(pin.state.version, "\(pin.identity)")
      #expect(minor(version) == Self.tested[pin.identity].map(minor), "\(pin.identity) \(version)")
    }
  }
}
