import ArgumentParser

/// The benchmarks: each prints its figures beside a bound measured in the same run on the same machine.
@main struct SoukBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "souk-bench",
    abstract: "Measure the hot paths beside a bound of the same run.",
    discussion: "Figures of a debug build mean nothing: run with `swift run -c release souk-bench <benchmark>`.",
    subcommands: [
      BackfillBench.self, BacklogBench.self, BatchBench.self, CodecBench.self, CopyBench.self, DownloadBench.self,
      EmbedBench.self, FeedBench.self, FetchBench.self, FilingsBench.self, GatewayBench.self, HotBench.self,
      InferenceBench.self, InfluxBench.self, KNNBench.self, MastersBench.self, ModelsBench.self, ParseBench.self,
      PollBench.self, S3Bench.self, SchedulerBench.self, SentimentBench.self, SignalBench.self,
    ])
}
