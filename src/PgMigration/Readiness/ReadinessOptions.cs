namespace PgMigration;

/// <summary>What is examined, and how much it may cost.</summary>
public sealed record ReadinessOptions
{
    /// <summary>How the data get to the target.</summary>
    public MigrationWay Way { get; init; } = MigrationWay.Dms;

    /// <summary>DMS's login on the source, whose rights count there; null for the one that asks.</summary>
    public string? DmsLogin { get; init; }

    /// <summary>Of a table that is larger, only so many bytes are looked at for the length of large values.</summary>
    public long SampleBytes { get; init; } = 256L << 20;

    /// <summary>How long the large values of one table may take to measure.</summary>
    public TimeSpan MeasureFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether large values are measured at all.</summary>
    public bool MeasuresLargeValues { get; init; } = true;

    /// <summary>The folder of this machine's PostgreSQL programs, which a restore would use; null for the usual places.</summary>
    public string? PostgresBin { get; init; }
}
