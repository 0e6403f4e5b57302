import InfluxConsumerService
import ServiceKit

@main
enum Main {
  static func main() async { await InfluxConsumerCommand.main() }
}
