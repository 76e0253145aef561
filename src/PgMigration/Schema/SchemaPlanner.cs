using System.Globalization;

namespace PgMigration;

/// <summary>Decides for each object of the source what becomes of it on the target. Reads nothing and changes nothing.</summary>
internal sealed class SchemaPlanner
{
    // Made after the data by pg_dump because they need a primary key, which is there before the data here.
    private static readonly HashSet<string> Postponed = new(StringComparer.Ordinal) { "MATERIALIZED VIEW", "VIEW", "FUNCTION", "PROCEDURE", "TABLE" };

    private readonly IReadOnlyList<SchemaEntry> _entries;
    private readonly Dictionary<int, SchemaEntry> _byId;
    private readonly SchemaSource _source;
    private readonly SchemaTarget _target;
    private readonly SchemaCopyOptions _options;
    private readonly SkipRules _rules;
    private readonly OwnerRules _owners;
    private readonly SatelliteRules _satellites;
    private readonly HashSet<string> _coming;

    public SchemaPlanner(IReadOnlyList<SchemaEntry> entries, SchemaSource source, SchemaTarget target, string login, SchemaCopyOptions options)
    {
        _entries = [.. entries.Where(entry => !SkipRules.IsDmsPublication(entry))];
        _byId = entries.ToDictionary(entry => entry.Id);
        _source = source;
        _target = target;
        _options = options;
        _rules = new SkipRules(_byId, source, target);
        _owners = new OwnerRules(target, login);
        _satellites = new SatelliteRules(_byId, source, target);
        _coming = Wants(SchemaSection.PreData)
            ? entries.Where(entry => IsBefore(entry) && entry.ClassId == Catalogs.Relations && _rules.For(entry) is null).Select(Name).Where(name => !target.Objects.Contains((Catalogs.Relations, name))).ToHashSet(StringComparer.Ordinal) : [];
    }

    /// <summary>The steps, in order.</summary>
    public IReadOnlyList<SchemaStep> Steps()
    {
        var steps = new List<SchemaStep>();
        if (Wants(SchemaSection.PreData))
        {
            steps.AddRange(_entries.Where(IsBefore).OrderBy(Turn).Select(entry => Step(entry, SchemaSection.PreData, SchemaStage.Before)));
            steps.AddRange(_owners.Rows().Concat(LeftOut()).Select(row => new SchemaStep(row, SchemaStage.Before)));
        }

        if (Wants(SchemaSection.PostData))
        {
            var eager = _source.EagerTriggers.Select(trigger => trigger.Oid).ToHashSet();
            steps.AddRange(_entries.Where(entry => !IsBefore(entry) && !(entry.ClassId == Catalogs.Triggers && eager.Contains(entry.Oid))).OrderBy(entry => IsGrant(entry)).Select(After));
            steps.AddRange(FilledViews());
            steps.AddRange(new LateSteps(_source, _target, _coming).Checks());
            steps.AddRange(new LateSteps(_source, _target, _coming).Statistics(_entries.Where(entry => entry.Type == "TABLE").Select(Name)));
        }

        if (Wants(SchemaSection.Final))
        {
            steps.AddRange(new LateSteps(_source, _target, _coming).Final());
        }

        return [.. steps.OrderBy(step => step.Stage)];
    }

    private static bool IsGrant(SchemaEntry entry) => entry.Type is "ACL" or "DEFAULT ACL";

    // An owner must be allowed to create in its schema before anything there is given to it.
    private int Turn(SchemaEntry entry) => entry.Type == "SCHEMA" ? 0 : IsGrant(entry) ? entry.Tag.StartsWith("SCHEMA ", StringComparison.Ordinal) ? 1 : 4 : entry.IsPreData ? 2 : 3;

    private bool Wants(SchemaSection section) => _options.Section == section || _options.Section == SchemaSection.All;

    private bool IsKey(SchemaEntry entry) => _source.KeyOf.ContainsKey((entry.ClassId, entry.Oid));

    private bool IsBefore(SchemaEntry entry) => entry.IsPreData || IsKey(entry) || Postponed.Contains(entry.Type) || IsViewsRule(entry)
        || (entry.Type == "INDEX ATTACH" && entry.DependsOn.Any(id => _byId.TryGetValue(id, out var needed) && IsKey(needed)));

    private static bool IsViewsRule(SchemaEntry entry) => entry.Type == "RULE" && entry.Sql.StartsWith("CREATE OR REPLACE VIEW ", StringComparison.Ordinal);

    private string Name(SchemaEntry entry) => _source.Identity.GetValueOrDefault((entry.ClassId, entry.Oid)) ?? _source.QuotedTag.GetValueOrDefault(entry.Id) ?? entry.Tag;

    private static string Title(SchemaEntry entry, string name) => SkipRules.IsSatellite(entry) && entry.Type != "SEQUENCE OWNED BY" ? entry.Schema == "-" ? entry.Tag : $"{entry.Schema}: {entry.Tag}" : name;

    private SchemaStep Step(SchemaEntry entry, SchemaSection section, SchemaStage stage)
    {
        string name = Name(entry);
        var row = new SchemaRow { Section = section, Type = entry.Type, Name = Title(entry, name), Action = SchemaAction.Create };
        if (_rules.For(entry) is { } left)
        {
            return new SchemaStep(row with { Action = left.Action, Reason = left.Reason }, stage);
        }

        if (IsGrant(entry))
        {
            return Grants(entry, row, stage);
        }

        if (IsThere(entry, name))
        {
            return new SchemaStep(row with { Action = SchemaAction.None }, stage);
        }

        var (open, reason) = LeftOpen(entry, name);
        bool isTablesOwn = entry.Type is "TABLE" or "SEQUENCE";
        return new SchemaStep(row with { Reason = reason }, stage)
        {
            Sql = entry.Sql + open, SqlWithOwner = _owners.CanGive(entry) ? entry.SqlWithOwner + (isTablesOwn ? open : string.Empty) : null,
            Clear = _target.HalfBuiltIndexes.Contains(name) && entry.Type == "INDEX" ? $"DROP INDEX {name}" : null,
            IsOptional = SkipRules.IsSatellite(entry) && entry.Type != "SEQUENCE OWNED BY",
        };
    }

    private bool IsThere(SchemaEntry entry, string name)
    {
        if (_satellites.Holds(entry) is { } holds)
        {
            return holds;
        }

        if (IsViewsRule(entry))
        {
            return _satellites.IsSameView(entry);
        }

        // a primary key of another name is one all the same
        return _target.Objects.Contains((entry.ClassId, name)) || (_source.KeyOf.TryGetValue((entry.ClassId, entry.Oid), out var key) && key.IsPrimary && _target.KeyedTables.Contains(key.Table));
    }

    /// <summary>What would refuse rows that come in two parts, or ids that come along, is taken off as soon as it is made.</summary>
    private (string Sql, string? Reason) LeftOpen(SchemaEntry entry, string name)
    {
        if (entry.Type == "TABLE")
        {
            string[] nulls = [.. _source.NotNulls.Where(column => column.Table == name).Select(column => column.Column)];
            string[] checks = [.. _source.Checks.Where(check => check.Table == name).Select(check => check.Name)];
            string sql = string.Concat(nulls.Select(column => $"\nALTER TABLE ONLY {name} ALTER COLUMN {column} DROP NOT NULL;"))
                + string.Concat(checks.Select(check => $"\nALTER TABLE {name} DROP CONSTRAINT IF EXISTS {check};"));
            return (sql, nulls.Length + checks.Length == 0 ? null : $"until the data are there without {string.Join(", ", nulls.Select(column => $"NOT NULL of {column}").Concat(checks.Select(check => $"CHECK {check}")))}");
        }

        var identity = entry.Type == "SEQUENCE" ? _source.AlwaysIdentities.FirstOrDefault(column => column.Sequence == entry.Oid) : default;
        return identity.Table is null ? (string.Empty, null)
            : ($"\nALTER TABLE {identity.Table} ALTER COLUMN {identity.Column} SET GENERATED BY DEFAULT;", "GENERATED BY DEFAULT until nothing is copied any more");
    }

    private SchemaStep Grants(SchemaEntry entry, SchemaRow row, SchemaStage stage)
    {
        if (entry.Type == "DEFAULT ACL" && !(_target.RoleOf.GetValueOrDefault(entry.Owner)))
        {
            return new SchemaStep(row with { Action = SchemaAction.Skip, Reason = $"the target has no role {entry.Owner}, or the login is no member of it" }, stage);
        }

        var statements = GrantStatements.Of(entry.Sql);
        var known = statements.Where(each => each.Role == "PUBLIC" || _target.RoleOf.ContainsKey(each.Role)).ToList();
        string[] unknown = [.. statements.Select(each => each.Role).Except(known.Select(each => each.Role)).Order(StringComparer.Ordinal)];
        string? reason = unknown.Length == 0 ? null : $"the target has no role {string.Join(", ", unknown)}: make it and run this again";
        if (known.Count == 0)
        {
            return new SchemaStep(row with { Action = SchemaAction.Skip, Reason = reason }, stage);
        }

        return _satellites.Holds(entry) ?? _target.Objects.Contains((entry.ClassId, Name(entry)))
            ? new SchemaStep(row with { Action = unknown.Length == 0 ? SchemaAction.None : SchemaAction.Skip, Reason = reason }, stage)
            : new SchemaStep(row with { Reason = reason is null ? null : $"in part: {reason}" }, stage) { Sql = string.Concat(known.Select(each => each.Statement + ";\n")), IsOptional = true };
    }

    private SchemaStep After(SchemaEntry entry)
    {
        var step = Step(entry, SchemaSection.PostData, SchemaStage.After);
        switch (entry.Type)
        {
            case "INDEX" when _source.IndexOf.TryGetValue(entry.Oid, out var index):
                step = step with { Stage = SchemaStage.Indexes, Bytes = index.Bytes };
                bool alone = _options.Concurrently && step.Sql is not null && !index.IsPartitioned && entry.Sql.StartsWith(index.Definition + ";", StringComparison.Ordinal);
                return !alone ? step : step with
                {
                    Table = index.Table,
                    Alone = index.Definition.Insert(index.Definition.IndexOf("INDEX ", StringComparison.Ordinal) + "INDEX ".Length, "CONCURRENTLY "),
                    Sql = entry.Sql[(index.Definition.Length + 1)..].Trim() is { Length: > 0 } rest ? rest : null,
                    Clear = $"DROP INDEX IF EXISTS {Name(entry)}",
                };
            case "CONSTRAINT" or "CHECK CONSTRAINT" when _source.ConstraintOf.TryGetValue(entry.Oid, out var constraint):
                return step with { Stage = SchemaStage.Constraints, Table = constraint.Table };
            case "FK CONSTRAINT" when _source.ConstraintOf.TryGetValue(entry.Oid, out var foreign):
                return ForeignKey(entry, step with { Stage = SchemaStage.Checks, Table = foreign.Table }, foreign.IsValid, foreign.IsPartitioned);
            default:
                return step;
        }
    }

    /// <summary>Declared without looking at the rows, and then checked while others read and write.</summary>
    private SchemaStep ForeignKey(SchemaEntry entry, SchemaStep step, bool isValid, bool isPartitioned)
    {
        string name = Name(entry);
        string check = $"ALTER TABLE {step.Table} VALIDATE CONSTRAINT {name[..^$" on {step.Table}".Length]}";
        if (step.Sql is not null && isValid && !isPartitioned)
        {
            return step with { Sql = entry.Sql.TrimEnd(';', '\n') + " NOT VALID;", Then = [check] };
        }

        return step.Row.Action == SchemaAction.None && isValid && _target.UncheckedConstraints.Contains(name)
            ? step with { Row = step.Row with { Action = SchemaAction.Complete, Reason = "is there, but its rows were not checked" }, Then = [check] } : step;
    }

    private IEnumerable<SchemaStep> FilledViews() =>
        from entry in _entries
        where entry.Type == "MATERIALIZED VIEW"
        let name = Name(entry)
        where _source.FilledViews.Contains(name) && _rules.For(entry) is null && (_coming.Contains(name) || _target.Objects.Contains((Catalogs.Relations, name)))
        let isEmpty = !_target.Objects.Contains((Catalogs.Relations, name)) || _target.EmptyViews.Contains(name)
        select new SchemaStep(new SchemaRow { Section = SchemaSection.PostData, Type = "MATERIALIZED VIEW DATA", Name = name, Action = isEmpty ? SchemaAction.Complete : SchemaAction.None }, SchemaStage.After)
        {
            Sql = isEmpty ? $"REFRESH MATERIALIZED VIEW {name}" : null,
        };

    private IEnumerable<SchemaRow> LeftOut()
    {
        foreach (var (name, objects) in _source.UsedTablespaces)
        {
            yield return new SchemaRow
            {
                Section = SchemaSection.PreData, Type = "TABLESPACE", Name = name, Action = SchemaAction.Skip,
                Reason = string.Create(CultureInfo.InvariantCulture, $"{objects} tables and indexes of it go into the database's own tablespace; managed services have no other."),
            };
        }

        foreach (var (name, statement) in _source.DatabaseRights)
        {
            yield return new SchemaRow
            {
                Section = SchemaSection.PreData, Type = "DATABASE", Name = name, Action = SchemaAction.Skip,
                Reason = $"what the database itself has is not of its schema; if the target is to have it, run there: {statement}",
            };
        }

        foreach (var (name, role, statement) in _source.DatabaseSettings)
        {
            yield return new SchemaRow
            {
                Section = SchemaSection.PreData, Type = "SETTING", Name = role.Length == 0 ? name : $"{name} of {role}", Action = SchemaAction.Skip,
                Reason = $"a database's settings are not of its schema; if the app needs it, run on the target: {statement}",
            };
        }
    }
}
