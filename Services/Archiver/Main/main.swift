import ArchiverService
import ServiceKit

await ArchiverProgram.main()
