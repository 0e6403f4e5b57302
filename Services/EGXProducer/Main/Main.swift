import EGXProducerService
import ServiceKit

@main
enum Main {
  static func main() async { await EGXProducerProgram.main() }
}
