namespace PgMigration.DmsModel;

/// <summary>A label on something in AWS.</summary>
public sealed record Tag
{
    /// <summary>Its name.</summary>
    public string? Key { get; init; }

    /// <summary>Its value.</summary>
    public string? Value { get; init; }

    /// <summary>What it is on, in lists of labels.</summary>
    public string? ResourceArn { get; init; }
}
