import CMalloc

/// How the C library's heap of this process treats memory that was freed.
enum HeapSettings {
  /// Messages and staged rows come and go in blocks of some hundred kilobytes, taken by one thread and freed by
  /// another. By default glibc learns from the first of them to take such blocks from its arenas, where what lies
  /// behind them keeps them: under lag some 35 MiB more stayed resident than were in use. With a fixed limit each goes
  /// back to the system at once.
  static func giveBackLargeBlocks() {
    mallopt(M_MMAP_THRESHOLD, 128 << 10)
    mallopt(M_TRIM_THRESHOLD, 128 << 10)
  }
}
