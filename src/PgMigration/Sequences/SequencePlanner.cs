using System.Globalization;

namespace PgMigration;

/// <summary>Decides for each sequence of a target what is to be done. Reads nothing.</summary>
internal sealed class SequencePlanner(SequenceCatalog target, SequenceCatalog? source, SequenceRepairOptions options)
{
    private readonly Dictionary<(string, string, string), SequenceUse> _sourceUses =
        (source?.Uses ?? []).GroupBy(SequenceRepair.Key).ToDictionary(group => group.Key, group => group.First());

    private readonly HashSet<string> _made = [];

    /// <summary>A column without a sequence, the sequence that it must have (which may not exist yet), and why nothing can be done if so.</summary>
    public sealed record MissingUse(SequenceCandidate Candidate, SequenceUse Use, bool Exists, string? Skipped);

    /// <summary>Names the sequence that a column must have: the source's, or one in the usual way.</summary>
    public MissingUse Missing(SequenceCandidate candidate)
    {
        var column = candidate.Column;
        var original = _sourceUses.GetValueOrDefault((column.Schema, column.Table, column.Name));
        var wanted = original?.State is { } state ? state with { LastValue = null, IsCalled = false, Owner = column.TableOwner, IsOwned = false } : NewState(column);
        target.States.TryGetValue(wanted.QuotedName, out var existing);
        var use = new SequenceUse
        {
            Column = column,
            State = existing ?? wanted with { LastValue = wanted.Start, Problem = null },
            Origin = original?.Origin ?? SequenceOrigin.Serial,
            IsPlain = original?.IsPlain ?? true,
        };
        string? skipped = candidate.IsGenerated ? "the target computes the column from others"
            : candidate.Default is not null ? $"the target's column has a default of its own, {candidate.Default}"
            : original is { Origin: SequenceOrigin.Owned } ? "on the source no default takes from it either"
            : !use.IsPlain ? "on the source the default is computed from the sequence: copy it from there"
            : existing is { IsOwned: true } && use.Origin != SequenceOrigin.Default ? $"another column owns {existing.QuotedName}" : null;

        // the first of several columns that share it makes it
        bool exists = existing is not null || (skipped is null && !_made.Add(use.State.QuotedName));
        return new MissingUse(candidate, use, exists, skipped);
    }

    /// <summary>The whole plan, in the order of the catalog.</summary>
    public IReadOnlyList<SequenceStep> Steps(IReadOnlyList<MissingUse> missing)
    {
        // several columns may share a sequence, and each of them counts for it
        var bySequence = target.Uses.Concat(missing.Where(found => found.Skipped is null).Select(found => found.Use)).ToLookup(use => use.State!.QuotedName);
        var steps = target.Uses.Select(use => Existing(use, bySequence[use.State!.QuotedName])).ToList();
        steps.AddRange(missing.Select(found => Attached(found, bySequence[found.Use.State!.QuotedName])));
        if (source is not null)
        {
            var taken = bySequence.Select(group => group.Key).ToHashSet();
            var uses = source.Uses.ToLookup(use => use.State!.QuotedName);
            var columns = missing.ToDictionary(found => SequenceRepair.Key(found.Use), found => found.Candidate);
            steps.AddRange(from original in source.States.Values
                where !taken.Contains(original.QuotedName)
                let callers = uses[original.QuotedName].Select(use => CallerOf(use, columns)).OfType<SequenceColumn>().ToArray()
                where callers.Length > 0 || !uses[original.QuotedName].Any() || target.States.ContainsKey(original.QuotedName)
                select OnItsOwn(original, callers));
        }

        return [.. steps.OrderBy(step => step.Row.Schema, StringComparer.Ordinal).ThenBy(step => step.Row.Table, StringComparer.Ordinal).ThenBy(step => step.Row.Sequence, StringComparer.Ordinal)];
    }

    private SequenceStep Existing(SequenceUse use, IEnumerable<SequenceUse> sharers) => Decide(use, [.. sharers], SequenceAction.Advance, []);

    private SequenceStep Attached(MissingUse found, IEnumerable<SequenceUse> sharers) => found.Skipped is { } why
        ? new SequenceStep(Row(found.Use, SequenceAction.Skip, null, null, why), [], null, 1, 0)
        : Decide(found.Use, [.. sharers], found.Exists ? SequenceAction.Attach : SequenceAction.Create, SequenceStatements.Attach(found.Use, found.Exists));

    /// <summary>
    /// The target's column that calls a sequence of the source although nothing there ties the two: its default names the sequence as text
    /// (which PostgreSQL lets stand without the sequence), or computes from it, or the application asks for it by name. Null when the column
    /// is not there yet, or does without.
    /// </summary>
    private SequenceColumn? CallerOf(SequenceUse original, Dictionary<(string, string, string), SequenceCandidate> columns)
    {
        if (columns.TryGetValue(SequenceRepair.Key(original), out var candidate))
        {
            bool calls = !original.IsPlain || original.Origin is SequenceOrigin.Owned or SequenceOrigin.Default
                || candidate.Default?.Contains("nextval(", StringComparison.Ordinal) == true;
            return calls && !candidate.IsGenerated ? candidate.Column : null;
        }

        return original.IsPlain ? null : target.Uses.FirstOrDefault(use => SequenceRepair.Key(use) == SequenceRepair.Key(original))?.Column;
    }

    /// <summary>A sequence of the source that no column of the target is tied to: made and moved for itself.</summary>
    private SequenceStep OnItsOwn(SequenceState original, IReadOnlyList<SequenceColumn> callers)
    {
        bool exists = target.States.TryGetValue(original.QuotedName, out var existing);
        var use = new SequenceUse { State = exists ? existing : original with { LastValue = original.Start, IsCalled = false } };
        IReadOnlyList<string> statements = exists ? [] : SequenceStatements.CreateFor(original, callers);
        var step = Decide(use, [use], exists ? SequenceAction.Advance : SequenceAction.Create, statements);
        return exists || step.Row.Action == SequenceAction.Failed ? step : step with
        {
            Row = step.Row with
            {
                Detail = callers.Count > 0 ? $"for {string.Join(", ", callers.Select(column => column.Title))}, which no default ties to it"
                    : "no column takes from it: grant USAGE on it to those who call it by name",
            },
        };
    }

    /// <param name="use">The column, or none, and its sequence.</param>
    /// <param name="sharers">All that take from the sequence.</param>
    /// <param name="change">What a change would be called.</param>
    /// <param name="statements">What changes the catalog; then there is something to do wherever the sequence stands.</param>
    private SequenceStep Decide(SequenceUse use, IReadOnlyList<SequenceUse> sharers, SequenceAction change, IReadOnlyList<string> statements)
    {
        var state = use.State!;
        long? before = change != SequenceAction.Create && state.IsCalled ? state.LastValue : null;
        if (SequencePosition.Of(state) is not { } own)
        {
            return Failed(use, before, $"where it stands is not known: {state.Problem}");
        }

        var details = new List<string>();
        var needed = Needed(sharers, own, options.SafetyMargin, details);
        if (needed is null && Unread(sharers) is { } unknown)
        {
            return Failed(use, before, unknown);
        }

        if (needed is null && statements.Count == 0 && use.Unmeasurable is { } why)
        {
            return new SequenceStep(Row(use, SequenceAction.Skip, before, before, $"nothing tells where it must stand: {why}, and no source was given or it has not used it"), [], null, 1, 0);
        }

        bool isBehind = needed is { } position && SequencePosition.IsBeyond(position, own, state);
        Int128 after = isBehind ? SequencePosition.OnStride(needed!.Value, own, state) : own;
        foreach (var sharer in sharers)
        {
            Int128 limit = SequencePosition.Limit(state, sharer.Column);
            if (isBehind && SequencePosition.IsBeyond(after, limit, state))
            {
                var withoutMargin = Needed(sharers, own, margin: 0, []) is { } bare && SequencePosition.IsBeyond(bare, own, state) ? SequencePosition.OnStride(bare, own, state) : own;
                return Failed(use, before, SequenceLimits.Explain(state, sharer.Column, after, withoutMargin, limit));
            }

            if (after == limit && !state.Cycles)
            {
                details.Add($"it is used up: the next insert will fail. To make room: {SequenceLimits.Room(state, sharer.Column, after + state.Increment)}");
            }
        }

        if ((use.Detail ?? use.Unmeasurable) is { } unread)
        {
            details.Insert(0, $"only the source tells where it must stand: {unread}");
        }

        if (use.Origin is SequenceOrigin.IdentityAlways or SequenceOrigin.IdentityByDefault && change == SequenceAction.Attach)
        {
            details.Add("as the column's default, since an identity column cannot take over a sequence that exists");
        }

        if (sharers.Count > 1)
        {
            details.Add(string.Create(CultureInfo.InvariantCulture, $"shared by {sharers.Count} columns"));
        }

        if (use.Column is { IsIndexed: false } && use.IsMeasurable)
        {
            details.Add("no index begins with the column: the whole table was read");
        }

        var action = isBehind || statements.Count > 0 ? change : SequenceAction.None;
        return new SequenceStep(
            Row(use, action, before, isBehind ? (long)after : before, details.Count == 0 ? null : string.Join("; ", details.Distinct())),
            statements, isBehind ? (long)after : null, state.Increment, (long)Int128.Clamp(own, long.MinValue, long.MaxValue));
    }

    /// <summary>Where the sequence must stand at least: the farthest that the source and the columns know of, and the margin beyond, which counts values: steps.</summary>
    private Int128? Needed(IReadOnlyList<SequenceUse> sharers, Int128 own, long margin, List<string> details)
    {
        var state = sharers[0].State!;
        Int128? used = null;
        Int128? unused = null;
        var originals = sharers.Where(use => use.Column is not null).Select(use => _sourceUses.GetValueOrDefault(SequenceRepair.Key(use))?.State)
            .Append(source?.States.GetValueOrDefault(state.QuotedName)).OfType<SequenceState>().Distinct();
        foreach (var original in originals)
        {
            if (Math.Sign(original.Increment) != Math.Sign(state.Increment))
            {
                details.Add($"{original.QuotedName} counts in the other direction on the source");
            }
            else if (original.IsCalled)
            {
                used = SequencePosition.Farther(used, SequencePosition.Of(original), state);
            }
            else
            {
                unused = SequencePosition.Farther(unused, SequencePosition.Of(original), state);
            }

            if (original.Problem is not null)
            {
                details.Add($"the source's value is not known: {original.Problem}");
            }
        }

        foreach (var use in sharers.Where(use => use.Farthest is not null))
        {
            if (state.Cycles && state.IsCalled)
            {
                details.Add("it cycles, so the column's values do not tell where it stands");
            }
            else
            {
                used = SequencePosition.Farther(used, use.Farthest, state);
            }
        }

        // the margin is for rows on their way: there are none where nothing was ever given out
        Int128? needed = SequencePosition.Farther(used + ((Int128)margin * state.Increment), unused, state);
        return state.Cycles && needed is { } beyond ? Int128.Clamp(beyond, Int128.Min(own, state.Minimum), state.Maximum) : needed;
    }

    /// <summary>Why the values of the columns are not known although they would tell where the sequence must stand; null when they are.</summary>
    private static string? Unread(IReadOnlyList<SequenceUse> sharers) =>
        sharers.Select(use => use.Detail ?? (use.Column?.Problem is { } problem ? $"its largest value is not known: {problem}" : null)).FirstOrDefault(why => why is not null);

    private static SequenceStep Failed(SequenceUse use, long? before, string why) =>
        new(Row(use, SequenceAction.Failed, before, before, why), [], null, 1, 0);

    private static SequenceRepairRow Row(SequenceUse use, SequenceAction action, long? before, long? after, string? detail) => new()
    {
        Schema = use.Column?.Schema ?? use.State!.Schema,
        Table = use.Column?.Table,
        Column = use.Column?.Name,
        Sequence = use.State!.QuotedName,
        Before = before,
        After = after,
        Action = action,
        Detail = detail,
    };

    private SequenceState NewState(SequenceColumn column)
    {
        string name = $"{column.Table}_{column.Name}_seq";
        var beside = target.States.Values.FirstOrDefault(state => state.Schema == column.Schema && state.Name == name);
        long most = column.TypeLimit ?? long.MaxValue;
        return beside ?? new SequenceState
        {
            Schema = column.Schema,
            Name = name,
            QuotedName = $"{SequenceStatements.Quote(column.Schema)}.{SequenceStatements.Quote(name)}",
            DataType = column.BaseType ?? "bigint",
            Start = 1,
            Increment = 1,
            Minimum = 1,
            Maximum = most,
            Cache = 1,
            Cycles = false,
            Owner = column.TableOwner,
        };
    }
}
