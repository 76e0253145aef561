namespace PgMigration;

/// <summary>A running flow of changes from a source to a target: WAL restore, streaming, logical, DMS.</summary>
public abstract class ReplicationLink
{
    /// <summary>The server the changes come from; null while nobody has named it (an archive alone does not know it).</summary>
    public PgServer? Source { get; init; }

    /// <summary>The server the changes go to.</summary>
    public required PgServer Target { get; init; }

    /// <summary>The kind of link in one word, such as <c>Wal</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether sequences come along with the rows: a physical copy has them, what copies rows has not.</summary>
    public virtual bool CarriesSequences => false;

    /// <summary>The target as the app reaches it: its address, with the app's database and login as on the source.</summary>
    /// <param name="source">The source, as the app's login.</param>
    public virtual PgServer TargetForApp(PgServer source) => Target;

    /// <summary>Measures how far the target is behind, now.</summary>
    /// <param name="cancel">Ends the measurement.</param>
    public abstract Task<ReplicationLag> MeasureLagAsync(CancellationToken cancel = default);

    /// <summary>The same link with its target reached another way: from another machine, or with its secret.</summary>
    /// <exception cref="MigrationException"><c>TargetFixed</c>: this kind of link is bound to its target.</exception>
    public virtual ReplicationLink WithTarget(PgServer target) => throw new MigrationException("TargetFixed", MigrationErrorKind.InvalidArgument,
        $"A link of kind {Kind} is bound to its target; leave -Target out.");

    /// <summary>The same link with its source named, which an archive alone does not know and no disk remembers, since its secret belongs to no disk.</summary>
    /// <exception cref="MigrationException"><c>SourceFixed</c>: this kind of link is made with its source.</exception>
    public virtual ReplicationLink WithSource(PgServer source) => throw new MigrationException("SourceFixed", MigrationErrorKind.InvalidArgument,
        $"A link of kind {Kind} has its source from the start; leave -Source out.");
}
