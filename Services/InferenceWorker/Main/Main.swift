import InferenceWorkerService
import ServiceKit

@main
enum Main {
  static func main() async { await InferenceWorkerProgram.main() }
}
