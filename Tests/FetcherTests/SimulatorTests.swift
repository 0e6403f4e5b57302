import Core
import Foundation
import LocalServers
import ProviderSimulator
import Testing
import TestSupport
import Values

@Suite struct SimulatorTests {
  private func points(
    _ market: SimulatedMarket, _ kind: SeriesKind = .price, _ material: String = "pvc", count: Int, at: String
  ) -> [SimulatedMarket.Point] {
    market.points(kind, material: material, country: "egypt", currency: "EGP", at: time(at), count: count)
  }

  @Test func valuesDoNotDependOnTheOrderOfRequests() {
    let market = SimulatedMarket(seed: 5)
    let whole = points(market, count: 2_000, at: "2025-03-01T00:30:00Z")
    #expect(whole.count == 2_000 && whole.last?.time == time("2025-03-01T00:00:00Z"))
    for index in stride(from: 0, to: 2_000, by: 97) {
      let alone = points(SimulatedMarket(seed: 5), count: 1, at: "\(whole[index].time)")
      #expect(alone == [whole[index]])
    }
    #expect(points(SimulatedMarket(seed: 6), count: 50, at: "2025-03-01T00:00:00Z") != Array(whole.suffix(50)))
  }

  /// Hour by hour over a year, polymers and oil rise and fall together, and no price is absurd.
  @Test func pricesFollowOilAndStayPlausible() {
    let market = SimulatedMarket(seed: 5)
    func logs(_ material: String) -> [Double] {
      points(market, .price, material, count: 8_760, at: "2025-12-31T00:00:00Z").map { log(Double("\($0.value)") ?? 0) }
    }
    let oil = logs("brent")
    for material in ["pvc", "xlpe", "copper"] {
      let price = logs(material)
      #expect(correlation(oil, price) > 0.5, "\(material): \(correlation(oil, price))")
      #expect((price.max() ?? 0) - (price.min() ?? 0) < log(5))
    }
    func correlation(_ left: [Double], _ right: [Double]) -> Double {
      let count = Double(left.count)
      let (meanLeft, meanRight) = (left.reduce(0, +) / count, right.reduce(0, +) / count)
      var (both, one, two) = (0.0, 0.0, 0.0)
      for (x, y) in zip(left, right) {
        both += (x - meanLeft) * (y - meanRight)
        one += (x - meanLeft) * (x - meanLeft)
        two += (y - meanRight) * (y - meanRight)
      }
      return both / (one * two).squareRoot()
    }
  }

  @Test func demandIsIntermittent() {
    let market = SimulatedMarket(seed: 5)
    let values = points(market, .demand, "copper", count: 5_000, at: "2025-12-31T00:00:00Z").map(\.value)
    let none = values.filter(\.isZero).count
    #expect((2_500...4_600).contains(none) && Set(values).count > 10 && values.allSatisfy { !$0.isNegative })
  }

  @Test func misbehavioursAreReadFromText() throws {
    #expect(try Misbehaviour(text: "rate-limit:3s@json*20")
      == Misbehaviour(.rateLimit, of: "json", times: 20, value: .seconds(3)))
    #expect(try Misbehaviour(text: "outage") == Misbehaviour(.outage))
    for text in ["", "sulk", "outage*0", "outage*x", "slow:3"] {
      #expect(throws: Failure.self) { try Misbehaviour(text: text) }
    }
  }

  @Test(.timeLimit(.minutes(10))) func theExecutableIsControlledOverHTTP() async throws {
    try await withTemporaryDirectory { folder in
      let portFile = "\(folder)/port"
      var launch = Launch(try ServiceProcess.path(of: "provider-simulator"), [
        "--port-file", portFile, "--fault", "outage@a*1", "--seed", "5",
      ])
      launch.inheritsEnvironment = false
      let child = try await ChildProcess.start(launch)
      let port = try await eventuallySome("the port file") {
        (try? String(contentsOfFile: portFile, encoding: .utf8)).flatMap {
          UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
      }
      let path = "/a/series/pvc/egypt.csv?at=2025-03-01T00:30:00Z&currency=EGP&unit=t&points=1"
      let http = LoopbackHTTP.shared
      #expect(await http.get(port: port, path: path)?.status == 503)
      let answer = await http.get(port: port, path: path)
      let expected = points(SimulatedMarket(seed: 5), count: 1, at: "2025-03-01T00:00:00Z")[0].value
      #expect(answer?.body.contains("2025-03-01T00:00:00Z,pvc,egypt,\(expected),EGP,t") == true)
      let stats = await http.get(port: port, path: "/_provider/stats")?.body
      #expect(stats?.hasPrefix("a requests=2 in_flight=0 most_in_flight=1 ") == true)
      #expect(stats?.hasSuffix(" 200=1 503=1\n") == true)
      #expect(await child.stop(grace: .seconds(60)) == .exited(0))
    }
  }
}
