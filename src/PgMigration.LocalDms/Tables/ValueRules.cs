namespace PgMigration.LocalDms;

/// <summary>How values change on the way, as DMS's types do: LOBs are cut or left out, and a NUMERIC without bounds becomes one of (28,6).</summary>
/// <param name="LobLimit">The limit of a LOB in bytes; null in full LOB mode.</param>
/// <param name="MovesLobs">Whether LOBs are moved at all.</param>
/// <param name="FailsOnCut">Whether a LOB that would be cut ends the task.</param>
/// <param name="KeepsNumerics">Whether MapUnboundedNumericAsString is set.</param>
/// <param name="KeepsBooleans">Whether MapBooleanAsBoolean is set on both endpoints; else a boolean becomes a text of five characters.</param>
internal sealed record ValueRules(int? LobLimit, bool MovesLobs, bool FailsOnCut, bool KeepsNumerics, bool KeepsBooleans)
{
    /// <summary>What a NUMERIC without bounds becomes.</summary>
    public const string Numeric = "numeric(28,6)";

    /// <summary>Whether values of the column are rounded.</summary>
    public bool Rounds(TableColumn column) => column.IsUnboundedNumeric && !column.IsArray && !KeepsNumerics;

    /// <summary>The type of a column in a table that DMS makes.</summary>
    public string TypeToMake(TableColumn column) =>
        Rounds(column) ? Numeric : column is { BaseType: "bool", IsArray: false } && !KeepsBooleans ? "character varying(5)" : column.Type;

    /// <summary>The expression that a COPY selects on the source for a column.</summary>
    /// <param name="column">The source's column.</param>
    /// <param name="onTarget">The target's; null when it has none, of which the target's COPY complains.</param>
    public string LoadExpression(TableColumn column, TableColumn? onTarget)
    {
        string type = onTarget?.Type ?? column.Type;
        if (column.IsLob && (!MovesLobs || onTarget is { IsNotNull: true }))
        {
            // DMS writes a row first and its LOBs afterwards: where the column takes no NULL, the row fails, and so it does here
            return $"NULL::{type}";
        }

        return ComparedExpression(column, onTarget);
    }

    /// <summary>The expression on the source whose value the target should have.</summary>
    public string ComparedExpression(TableColumn column, TableColumn? onTarget)
    {
        string type = onTarget?.Type ?? column.Type;
        string name = Sql.Name(column.Name);
        string value = column.IsLob && LobLimit is { } limit ? LobRules.CutExpression(column, limit) : name;
        if (Rounds(column))
        {
            value = $"({value})::{Numeric}";
        }

        return type == column.Type ? value : $"({value})::{type}";
    }

    /// <summary>What a statement on the target writes around a column's parameter.</summary>
    public string ParameterExpression(TableColumn? column, string parameter) => column is not null && Rounds(column) ? $"{parameter}::{Numeric}" : parameter;

    /// <summary>A value from the source's log as the target gets it.</summary>
    /// <exception cref="TaskFailure">A LOB would be cut, and the task is to fail then.</exception>
    public string? Convert(TableName table, TableColumn? column, TableColumn? onTarget, string? value)
    {
        if (value is null || column is null)
        {
            return value;
        }

        if (column.IsLob)
        {
            if (!MovesLobs)
            {
                return null;
            }

            string cut = LobLimit is { } limit ? LobRules.Cut(column, value, limit) : value;
            return cut.Length == value.Length || !FailsOnCut
                ? cut
                : throw new TaskFailure($"A value of {table}, column {column.Name}, is longer than LobMaxSize, and FailTasksOnLobTruncation is on.");
        }

        // the log writes a boolean with one letter, a cast to text with the word
        return column.BaseType == "bool" && onTarget is { BaseType: not "bool" } ? value == "t" ? "true" : "false" : value;
    }
}
