using System.Globalization;

namespace PgMigration;

/// <summary>What copying a schema will do.</summary>
public sealed class SchemaPlan
{
    internal SchemaPlan(PgServer target, SchemaCopyOptions options, IReadOnlyList<SchemaStep> steps)
    {
        Target = target;
        Options = options;
        Steps = steps;
        Rows = steps.Select(step => step.Row).ToArray();
    }

    /// <summary>The database that is changed.</summary>
    public PgServer Target { get; }

    /// <summary>How.</summary>
    public SchemaCopyOptions Options { get; }

    /// <summary>One row for each object, in the order in which they are made.</summary>
    public IReadOnlyList<SchemaRow> Rows { get; }

    /// <summary>Whether anything is to be changed.</summary>
    public bool HasChanges => Rows.Any(row => row.Action is SchemaAction.Create or SchemaAction.Complete);

    /// <summary>What is to be changed in one line.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture,
        $"make {Count(SchemaAction.Create)} and complete {Count(SchemaAction.Complete)} of {Rows.Count} objects, leave out {Count(SchemaAction.Skip)}");

    internal IReadOnlyList<SchemaStep> Steps { get; }

    private int Count(SchemaAction action) => Rows.Count(row => row.Action == action);
}
