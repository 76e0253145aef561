namespace PgMigration.LocalDms;

/// <summary>A column as the catalog has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type with length and precision, as SQL writes it; of a domain, the type below it.</param>
/// <param name="BaseType">The name of the type below a domain, without schema, length or precision.</param>
/// <param name="IsArray">Whether it is an array.</param>
/// <param name="IsPlain">Whether its binary form means the same on every server: a built-in type without numbers of other types in it.</param>
/// <param name="IsUnboundedNumeric">Whether it is a NUMERIC without precision and scale.</param>
/// <param name="IsNotNull">Whether it takes no NULL.</param>
/// <param name="IsGenerated">Whether the server computes it.</param>
internal sealed record TableColumn(string Name, string Type, string BaseType, bool IsArray, bool IsPlain, bool IsUnboundedNumeric, bool IsNotNull, bool IsGenerated)
{
    private static readonly HashSet<string> LobTypes = new(StringComparer.Ordinal)
        { "text", "json", "jsonb", "bytea", "xml", "hstore", "geometry", "geography", "tsvector", "tsquery" };

    /// <summary>Whether DMS treats it as a LOB. Source: the AWS DMS user guide, "Source data types for PostgreSQL".</summary>
    public bool IsLob => IsArray || LobTypes.Contains(BaseType);

    /// <summary>Whether it is a LOB of bytes rather than of characters.</summary>
    public bool IsBytes => !IsArray && BaseType == "bytea";
}
