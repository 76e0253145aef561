namespace PgMigration.Wal;

/// <summary>How a base backup is written.</summary>
public sealed record BackupWriterOptions
{
    /// <summary>How the parts are compressed.</summary>
    public ICodec Codec { get; init; } = Wal.Codec.Lz4;

    /// <summary>Bytes of files in one part, at most (a single larger file makes a larger part). Small clusters still make two parts.</summary>
    public long PartSize { get; init; } = 1L << 30;

    /// <summary>How many parts are written at once.</summary>
    public int Parallelism { get; init; } = Math.Min(4, Environment.ProcessorCount);

    /// <summary>Whether clean-ups of the archive shall spare it.</summary>
    public bool IsPermanent { get; init; }

    /// <summary>The name of the machine, as the backup records it.</summary>
    public string Hostname { get; init; } = Environment.MachineName;
}
