namespace PgMigration;

/// <summary>What one server has of a task's heartbeat.</summary>
/// <param name="Number">The beat, counted up on the source.</param>
/// <param name="Nonce">What a cutover wrote last.</param>
/// <param name="Lsn">Where the source wrote just before that beat.</param>
/// <param name="Age">How long ago it was written, by the clock of the server that was asked.</param>
internal sealed record DmsBeat(long Number, string Nonce, Lsn Lsn, TimeSpan Age);
