using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>What <see cref="Readiness"/> calls a blocker of a physical copy, asked of this database at the cutover: what would be lost, or fail once the app is there.</summary>
/// <remarks>Each can be accepted by its name. What a cutover looks at by itself, in other words, is not asked twice.</remarks>
internal static class Blockers
{
    // Files say more than rows: a login that may not read a table still learns that it holds something.
    private const string Unlogged = """
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'm', 'S') AND pg_relation_size(c.oid) > 0 ORDER BY 1
        """;

    // That an archive is filled is shown by the link, which follows it or needs none, and by a segment's way; prepared transactions get a time to end.
    private static readonly HashSet<string> AskedOtherwise = new(StringComparer.Ordinal) { "ArchiveOff", "ArchiverFails", "TransactionPrepared" };

    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, with the first three and how to accept them.</exception>
    public static async Task CheckAsync(CutoverContext context, CancellationToken cancel)
    {
        var blockers = (await FindAsync(context, cancel)).Where(finding => !context.Options.Accept.Contains(finding.Name, StringComparer.OrdinalIgnoreCase)).ToList();
        if (blockers.Count > 0)
        {
            string names = string.Join(", ", blockers.Select(blocker => blocker.Name).Distinct());
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"{string.Join(" ", blockers.Take(3).Select(blocker => $"{blocker.Name}: {blocker.Subject}. {blocker.Consequence}"))}{(blockers.Count > 3 ? $" And {blockers.Count - 3} more." : string.Empty)} Mend that (Test-MigrationReadiness … -For Wal says how), or accept it knowingly: -Accept {names}."));
        }
    }

    private static async Task<List<ReadinessFinding>> FindAsync(CutoverContext context, CancellationToken cancel)
    {
        string database = context.Source.Database;
        await using var here = await context.Source.ConnectAsync("-c search_path=", cancel);
        await using var there = await context.Target.ConnectAsync("-c search_path=", cancel);
        var findings = new List<ReadinessFinding>();
        foreach (var rule in WalRules.All.Where(rule => rule.Severity == FindingSeverity.Blocker && !AskedOtherwise.Contains(rule.Name)))
        {
            findings.AddRange(await rule.AskAsync(here, database, cancel));
        }

        findings.AddRange((await ExtensionFindings.FindAsync(there, database, cancel)).Concat(await CollationFindings.FindAsync(there, database, cancel)).Where(finding => finding.Severity == FindingSeverity.Blocker));
        if (await here.RowsAsync(Unlogged, row => row.GetString(0), cancel) is { Count: > 0 } unlogged)
        {
            findings.Add(new ReadinessFinding
            {
                Severity = FindingSeverity.Blocker, Name = "UnloggedTable", Database = database, Subject = $"unlogged: {WayBack.Shown(unlogged)}",
                Consequence = "WAL does not carry what is in there: it is empty on the target.", Fix = string.Join('\n', unlogged.Select(name => $"ALTER TABLE {name} SET LOGGED;")),
            });
        }

        return findings;
    }
}
