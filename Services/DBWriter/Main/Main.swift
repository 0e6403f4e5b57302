import DBWriterService
import ServiceKit

@main
enum Main {
  static func main() async { await DBWriterProgram.main() }
}
