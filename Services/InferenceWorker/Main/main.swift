import InferenceWorkerService
import ServiceKit

await InferenceWorkerProgram.main()
