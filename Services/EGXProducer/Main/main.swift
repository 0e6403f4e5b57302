import EGXProducerService
import ServiceKit

await EGXProducerProgram.main()
