using System.Globalization;

namespace PgMigration;

/// <summary>What was left open while rows came, and is closed again.</summary>
internal sealed class LateSteps(SchemaSource source, SchemaTarget target, IReadOnlySet<string> coming)
{
    /// <summary>NOT NULLs and checks of large columns: first for new rows, then against those that are there, which locks out nobody.</summary>
    public IEnumerable<SchemaStep> Checks()
    {
        foreach (var (table, column, number, _) in source.NotNulls.Where(column => !column.Inherited))
        {
            bool isThere = target.ColumnOf.TryGetValue((table, column), out var there);
            var row = new SchemaRow { Section = SchemaSection.PostData, Type = "NOT NULL", Name = $"{table}.{column}", Action = isThere && there.IsNotNull ? SchemaAction.None : SchemaAction.Create };
            if (Missing(row, table, isThere) is { } missing)
            {
                yield return missing;
                continue;
            }

            // SET NOT NULL reads no row where a checked constraint says the same.
            string name = string.Create(CultureInfo.InvariantCulture, $"pgmigration_not_null_{number}");
            yield return row.Action == SchemaAction.None ? new SchemaStep(row, SchemaStage.Checks) : new SchemaStep(row, SchemaStage.Checks)
            {
                Table = table,
                Sql = $"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};\nALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;",
                Then = [$"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", $"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL", $"ALTER TABLE {table} DROP CONSTRAINT {name}"],
                Abandon = $"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
            };
        }

        foreach (var (table, name, definition, _) in source.Checks.Where(check => !check.Inherited))
        {
            string identity = $"{name} on {table}";
            bool isThere = target.Objects.Contains((Catalogs.Constraints, identity));
            bool isValid = !definition.EndsWith(" NOT VALID", StringComparison.Ordinal);
            string check = $"ALTER TABLE {table} VALIDATE CONSTRAINT {name}";
            var action = !isThere ? SchemaAction.Create : isValid && target.UncheckedConstraints.Contains(identity) ? SchemaAction.Complete : SchemaAction.None;
            var row = new SchemaRow { Section = SchemaSection.PostData, Type = "CHECK CONSTRAINT", Name = identity, Action = action };
            yield return Missing(row, table, target.Objects.Contains((Catalogs.Relations, table))) ?? new SchemaStep(row, SchemaStage.Checks)
            {
                Table = table,
                Sql = action == SchemaAction.Create ? $"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}{(isValid ? " NOT VALID" : string.Empty)}" : null,
                Then = isValid && action != SchemaAction.None ? [check] : [],
            };
        }
    }

    /// <summary>Statistics of what was loaded, without which an app's first queries are planned blindly.</summary>
    public IEnumerable<SchemaStep> Statistics(IEnumerable<string> tables) =>
        from table in tables
        where target.UncountedTables.Contains(table)
        select new SchemaStep(new SchemaRow { Section = SchemaSection.PostData, Type = "ANALYZE", Name = table, Action = SchemaAction.Complete, Reason = "has rows and no statistics" }, SchemaStage.Checks)
        {
            Table = table, Then = [$"ANALYZE {table}"],
        };

    /// <summary>What refuses or alters rows that come with ids of their own, or fires for them.</summary>
    public IEnumerable<SchemaStep> Final()
    {
        foreach (var (table, column, _) in source.AlwaysIdentities)
        {
            bool isThere = target.ColumnOf.TryGetValue((table, column), out var there);
            var row = new SchemaRow { Section = SchemaSection.Final, Type = "IDENTITY", Name = $"{table}.{column}", Action = SchemaAction.Create, Reason = "GENERATED ALWAYS" };
            if (isThere && there.Identity.Length == 0)
            {
                yield return new SchemaStep(row with { Action = SchemaAction.Failed, Reason = "the column has no identity: Repair-PgSequence makes it" }, SchemaStage.Final);
                continue;
            }

            bool isDone = there.Identity == "a";
            yield return Missing(row, table, isThere) ?? new SchemaStep(isDone ? row with { Action = SchemaAction.None } : row, SchemaStage.Final)
            {
                Sql = isDone ? null : $"ALTER TABLE {table} ALTER COLUMN {column} SET GENERATED ALWAYS",
            };
        }

        foreach (var (_, table, name, definition, enabled) in source.EagerTriggers)
        {
            string identity = $"{name} on {table}";
            bool isThere = target.Objects.Contains((Catalogs.Triggers, identity));
            var row = new SchemaRow { Section = SchemaSection.Final, Type = "TRIGGER", Name = identity, Action = isThere ? SchemaAction.None : SchemaAction.Create, Reason = $"ENABLE {enabled}: fires for replication too" };
            yield return Missing(row, table, target.Objects.Contains((Catalogs.Relations, table))) ?? new SchemaStep(row, SchemaStage.Final)
            {
                Sql = isThere ? null : $"{definition};\nALTER TABLE {table} ENABLE {enabled} TRIGGER {name};",
            };
        }
    }

    private SchemaStep? Missing(SchemaRow row, string table, bool isThere) => isThere || coming.Contains(table) ? null
        : new SchemaStep(row with { Action = SchemaAction.Failed, Reason = $"the target has no table {table}, or not that column: copy the section PreData first" }, SchemaStage.Checks);
}
