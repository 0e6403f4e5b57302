import DBWriterService
import ServiceKit

await DBWriterProgram.main()
