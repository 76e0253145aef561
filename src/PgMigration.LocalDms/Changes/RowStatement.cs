namespace PgMigration.LocalDms;

/// <summary>A statement on the target, its values apart.</summary>
/// <param name="Change">The change that it makes.</param>
/// <param name="Sql">The statement.</param>
/// <param name="Values">Its values in text form, for the server to read as the column's type.</param>
/// <param name="IsSecond">Whether it only adds the LOBs to the row that the one before it wrote.</param>
internal sealed record RowStatement(RowChange Change, string Sql, IReadOnlyList<string?> Values, bool IsSecond = false)
{
    /// <summary>The statement with its values, for awsdms_apply_exceptions.</summary>
    public string Text => $"{Sql} -- {string.Join(", ", Values.Select((value, i) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${i + 1}={(value is null ? "NULL" : LocalDms.Sql.Literal(value))}")))}";
}
