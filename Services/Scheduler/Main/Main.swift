import SchedulerService
import ServiceKit

@main
enum Main {
  static func main() async { await SchedulerProgram.main() }
}
