namespace PgMigration.Wal;

/// <summary>When a download last brought something.</summary>
internal sealed class FetchProgress
{
    private long _at = Environment.TickCount64;

    /// <summary>Milliseconds on the clock of <see cref="Environment.TickCount64"/>: of its start, while nothing has come.</summary>
    public long At => Volatile.Read(ref _at);

    /// <summary>Something came.</summary>
    public void Note() => Volatile.Write(ref _at, Environment.TickCount64);
}
