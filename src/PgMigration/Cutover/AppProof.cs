using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Whether the app, once it is resumed, is answered by the server that it was led to.</summary>
internal static class AppProof
{
    /// <summary>Has a query answered over the app's own path.</summary>
    /// <param name="context">The cutover.</param>
    /// <param name="server">Our session on the server that is to answer.</param>
    /// <param name="logins">The logins that the app may have there.</param>
    /// <param name="cancel">Ends the proof.</param>
    /// <returns>What was proven, or that nothing could be.</returns>
    /// <exception cref="MigrationException">Another server answered, or none did.</exception>
    public static async Task<string> FindAsync(CutoverContext context, NpgsqlConnection server, IReadOnlyList<PgServer> logins, CancellationToken cancel)
    {
        string identity = await ServerIdentity.ReadAsync(server, cancel);
        string? proof = await context.App.ProveAsync(logins, identity, cancel);
        context.TellRemarks();
        if (proof is not null)
        {
            return proof;
        }

        string left = $"not proven: that the app is answered ({context.App.Kind} gave no query over the app's own path{(context.App.SmokeTest is null ? ", and there is no smoke test" : string.Empty)})";
        context.Observer.Warning($"The app was resumed; {left}. Look at the app itself.");
        return left;
    }

    /// <summary>Warns of clients that came to the fenced old server after the app was led away from it: another pooler, or a client that knows the old address.</summary>
    public static async Task WarnOfLeftAsync(CutoverContext context, CancellationToken cancel)
    {
        try
        {
            var source = await context.SourceSessionAsync(cancel);
            var left = await source.RowsAsync($"""
                select {SessionText.Describe} from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
                where not r.rolsuper and a.datname = current_database() and a.pid <> all (@own) and coalesce(a.backend_type, 'client backend') = 'client backend' and a.application_name is distinct from current_setting('application_name')
                """, row => Redaction.Of(row.GetString(0)), cancel, new NpgsqlParameter<int[]>("own", [.. context.OwnSourcePids, .. await DmsSessions.FindAsync(source, context.SparedLogins, cancel)]));
            if (left.Count > 0)
            {
                context.Observer.Warning(string.Create(CultureInfo.InvariantCulture,
                    $"{left.Count} session(s) are on the old server {context.Source} although the app was led away from it: {string.Join("; ", left.Take(5))}. They may not write there. Where they come from another pooler, or another process of it, lead that to {context.AppTarget.Host}:{context.AppTarget.Port} too."));
            }
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException && !cancel.IsCancellationRequested)
        {
            context.Observer.Verbose($"The old server could not be asked for sessions that are left there: {Redaction.Of(error.Message)}");
        }
    }
}
