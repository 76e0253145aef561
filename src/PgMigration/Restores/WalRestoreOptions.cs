using PgMigration.Wal;

namespace PgMigration;

/// <summary>What is to be restored, from where, to where.</summary>
public sealed record WalRestoreOptions
{
    /// <summary>The archive and how it is reached.</summary>
    public required ArchiveAccess Archive { get; init; }

    /// <summary>The data directory: absolute; empty, missing, or our own unfinished restore of the same backup.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The backup; null for the newest.</summary>
    public string? BackupName { get; init; }

    /// <summary>The server that the app leaves: it measures the lag, and its login finds the superuser. Null when it is not to be asked.</summary>
    public PgServer? Source { get; init; }

    /// <summary>The port of the restored server; null for the one of an earlier run, or 5432.</summary>
    public int? Port { get; init; }

    /// <summary>The folder of the PostgreSQL programs; null to find those of the backup's major version.</summary>
    public string? PostgresBin { get; init; }

    /// <summary>The OS user that is to own and run the server; null for the one of an earlier run, or the usual one.</summary>
    public OSUser? User { get; init; }

    /// <summary>How many parts are downloaded and extracted at once.</summary>
    public int Parallelism { get; init; } = LoadOptions.DefaultParallelism;

    /// <summary>Check the pages by their checksums while they are restored, where the cluster has checksums.</summary>
    public bool Verify { get; init; }

    /// <summary>Where tablespaces go: by oid, or by the path on the source.</summary>
    public IReadOnlyDictionary<string, string> TablespaceMapping { get; init; } = new Dictionary<string, string>();

    /// <summary>The name of the cluster's bootstrap superuser, if it is known; otherwise it is found out.</summary>
    public string? Superuser { get; init; }

    /// <summary>Networks whose clients may log in, as CIDR such as <c>10.0.0.0/16</c>; without any, this machine only.</summary>
    public IReadOnlyList<string> AllowFrom { get; init; } = [];

    /// <summary>How many bytes of fetched WAL may wait on the data directory's disk; null for the one of an earlier run, or the usual.</summary>
    public long? PrefetchSize { get; init; }

    /// <summary>The folder of pgmigration-walfetch and pgmigration-walprefetch; null to look beside this library.</summary>
    public string? ProgramFolder { get; init; }

    /// <summary>How long the server may take from its start to its first answer while nothing seems to move; the work itself has no limit.</summary>
    public TimeSpan StallLimit { get; init; } = TimeSpan.FromMinutes(10);
}
