import S3ConsumerService
import ServiceKit

@main
enum Main {
  static func main() async { await S3ConsumerCommand.main() }
}
