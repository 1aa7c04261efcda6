/// Queries that run often or over many rows. Each topic adds its own; a test asserts that SQLite answers every one of them from
/// an index. A negative LIMIT means no limit to SQLite, so limits are bound as at least 0.
enum Queries {}
