namespace PgMigration.LocalDms;

/// <summary>What DMS does to large values: cut at LobMaxSize in limited mode, or left out.</summary>
/// <remarks>
/// A character counts 2 bytes, and 4 in a value that holds one beyond the basic plane: so DMS's buffers hold them. A JSON document that is
/// cut is none any more, and fails.
/// </remarks>
internal static class LobRules
{
    private const int BytesOfCharacter = 2;
    private const int BytesOfWideCharacter = 4;

    /// <summary>The SQL expression of a column's value after the cut.</summary>
    /// <param name="column">A LOB column.</param>
    /// <param name="limit">The limit in bytes.</param>
    public static string CutExpression(TableColumn column, int limit)
    {
        string name = Sql.Name(column.Name);
        if (column.IsBytes)
        {
            return $"CASE WHEN octet_length({name}) <= {limit} THEN {name} ELSE substring({name} FROM 1 FOR {limit}) END";
        }

        string text = column.BaseType == "text" && !column.IsArray ? name : $"{name}::text";
        string cut = $"left({text}, {Kept(text, limit)})";
        return $"CASE WHEN octet_length({text}) <= {limit / BytesOfWideCharacter} THEN {name} ELSE {(text == name ? cut : $"({cut})::{column.Type}")} END";
    }

    /// <summary>The SQL condition under which a column's value is cut.</summary>
    public static string CutCondition(TableColumn column, int limit)
    {
        string name = Sql.Name(column.Name);
        return column.IsBytes
            ? $"octet_length({name}) > {limit}"
            : $"octet_length({name}::text) > {limit / BytesOfWideCharacter} AND length({name}::text) > {Kept($"{name}::text", limit)}";
    }

    /// <summary>A value in text form after the cut.</summary>
    public static string Cut(TableColumn column, string value, int limit)
    {
        if (column.IsBytes)
        {
            // \x, and two digits a byte
            long digits = 2 + (2L * limit);
            return value.Length <= digits ? value : value[..(int)digits];
        }

        if (value.Length <= limit / BytesOfWideCharacter)
        {
            return value;
        }

        bool isWide = value.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
        int kept = limit / (isWide ? BytesOfWideCharacter : BytesOfCharacter);
        if (!isWide)
        {
            return value.Length <= kept ? value : value[..kept];
        }

        int end = 0;
        for (int characters = 0; characters < kept && end < value.Length; characters++)
        {
            end += char.IsHighSurrogate(value[end]) && end + 1 < value.Length ? 2 : 1;
        }

        return value[..end];
    }

    // the pattern's escapes are those of a UTF8 server
    private static string Kept(string text, int limit) =>
        $"CASE WHEN {text} ~ '[\\U00010000-\\U0010FFFF]' THEN {limit / BytesOfWideCharacter} ELSE {limit / BytesOfCharacter} END";
}
