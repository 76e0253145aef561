using System.Globalization;
using System.Text;

namespace PgMigration.LocalDms;

/// <summary>Writes the statements that make a change on the target, as DMS does.</summary>
/// <param name="rules">How values change on the way.</param>
internal sealed class RowStatements(ValueRules rules)
{
    // types without the operator =, whose text says as much
    private static readonly HashSet<string> Incomparable = new(StringComparer.Ordinal) { "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle" };

    /// <summary>The statements for a change; none for one that DMS does not make.</summary>
    public IEnumerable<RowStatement> For(RowChange change) => change.Kind switch
    {
        ChangeKind.Insert => Insert(change),
        ChangeKind.Update => Update(change),
        _ => Delete(change),
    };

    /// <summary>An update of the row that an insertion found there already.</summary>
    public RowStatement? UpdateFor(RowChange insertion) =>
        insertion.Table.Key.Count == 0 ? null : Set(insertion, insertion.Table.Columns.Count, i => !insertion.Table.Key.Contains(i), insertion.New, isSecond: false);

    /// <summary>An insertion of the row that an update did not find; null where the log does not have all of it.</summary>
    public RowStatement? InsertFor(RowChange update) =>
        update.New.Any(RowChange.IsUnchanged) ? null : InsertStatement(update, withLobs: true);

    private IEnumerable<RowStatement> Insert(RowChange change)
    {
        // in full LOB mode DMS writes the row first, then fetches its LOBs
        bool inTwo = rules is { LobLimit: null, MovesLobs: true } && change.Table.Key.Count > 0 && change.Table.OnSource.Any(column => column is { IsLob: true });
        yield return InsertStatement(change, withLobs: !inTwo);
        if (inTwo && Set(change, change.Table.Columns.Count, i => change.Table.OnSource[i] is { IsLob: true } && change.New[i] is not null, change.New, isSecond: true) is { } lobs)
        {
            yield return lobs;
        }
    }

    private IEnumerable<RowStatement> Update(RowChange change)
    {
        var key = change.Table.Key;
        if (key.Count == 0 || (change.Old is { } old && !change.Table.IsFoundByAll && key.Any(i => old[i] != change.New[i] && !RowChange.IsUnchanged(change.New[i]))))
        {
            yield break; // a changed primary key is ignored, and nobody is told
        }

        if (Set(change, change.Table.Columns.Count, i => (change.Table.IsFoundByAll || !key.Contains(i)) && !RowChange.IsUnchanged(change.New[i]) && (rules.MovesLobs || change.Table.OnSource[i] is not { IsLob: true }),
                change.Table.IsFoundByAll ? change.Old! : change.New, isSecond: false) is { } statement)
        {
            yield return statement;
        }
    }

    private IEnumerable<RowStatement> Delete(RowChange change)
    {
        if (change.Table.Key.Count > 0 && change.Old is { } old)
        {
            var values = new List<string?>();
            string where = Where(change, old, values);
            yield return new RowStatement(change, $"DELETE FROM ONLY {change.Table.Run.Name.Quoted} WHERE {where}", values);
        }
    }

    private RowStatement InsertStatement(RowChange change, bool withLobs)
    {
        var table = change.Table;
        var values = new List<string?>(table.Columns.Count);
        var sql = new StringBuilder("INSERT INTO ").Append(table.Run.Name.Quoted).Append(" (").AppendJoin(", ", table.Columns.Concat(table.Generated).Select(Sql.Name)).Append(") VALUES (");
        for (int i = 0; i < table.Columns.Count; i++)
        {
            values.Add(withLobs || table.OnSource[i] is not { IsLob: true } ? Value(change, i, change.New[i]) : null);
            sql.Append(i == 0 ? string.Empty : ", ").Append(Parameter(table, i, values.Count));
        }

        foreach (string _ in table.Generated)
        {
            sql.Append(", NULL");
        }

        return new RowStatement(change, sql.Append(')').ToString(), values);
    }

    private RowStatement? Set(RowChange change, int columns, Func<int, bool> sets, string?[] found, bool isSecond)
    {
        var table = change.Table;
        var values = new List<string?>();
        var sql = new StringBuilder("UPDATE ONLY ").Append(table.Run.Name.Quoted).Append(" SET ");
        for (int i = 0; i < columns; i++)
        {
            if (sets(i))
            {
                sql.Append(values.Count == 0 ? string.Empty : ", ").Append(Sql.Name(table.Columns[i])).Append(" = ");
                values.Add(Value(change, i, change.New[i]));
                sql.Append(Parameter(table, i, values.Count));
            }
        }

        return values.Count == 0 ? null : new RowStatement(change, sql.Append(" WHERE ").Append(Where(change, found, values)).ToString(), values, isSecond);
    }

    private string Where(RowChange change, string?[] found, List<string?> values)
    {
        var table = change.Table;
        var conditions = new List<string>();
        foreach (int i in table.Key)
        {
            if (RowChange.IsUnchanged(found[i]))
            {
                continue;
            }

            values.Add(Value(change, i, found[i]));
            string name = Sql.Name(table.Columns[i]);
            string parameter = Parameter(table, i, values.Count);
            conditions.Add(!table.IsFoundByAll ? $"{name} = {parameter}"
                : Incomparable.Contains(table.OnSource[i]?.BaseType ?? string.Empty) ? $"{name}::text IS NOT DISTINCT FROM {parameter}::text"
                : $"{name} IS NOT DISTINCT FROM {parameter}");
        }

        string where = string.Join(" AND ", conditions);
        return table.IsFoundByAll ? $"ctid = (SELECT ctid FROM ONLY {table.Run.Name.Quoted} WHERE {where} LIMIT 1)" : where;
    }

    private string? Value(RowChange change, int i, string? value) => rules.Convert(change.Table.Run.Name, change.Table.OnSource[i], change.Table.OnTarget[i], value);

    private string Parameter(LoggedTable table, int i, int number) => rules.ParameterExpression(table.OnSource[i], string.Create(CultureInfo.InvariantCulture, $"${number}"));
}
