using System.Diagnostics;
using System.Globalization;

namespace PgMigration.Faults;

/// <summary>The same cutover by the commands that an engineer types, or puts into a script, in the right order: psql, pg_ctl promote, PgBouncer's console.</summary>
/// <remarks>It proves nothing on the way: what it leaves out is on the cutover's page in docs/.</remarks>
internal sealed class CutoverByHand(FaultBed bed, BenchLogin login)
{
    private readonly List<(string, double)> _parts = [];

    /// <summary>Does it, and returns what each part took.</summary>
    public async Task<IReadOnlyList<(string Part, double Seconds)>> RunAsync()
    {
        string app = LockedDownHost.AppLogin, mark = string.Empty;
        await PartAsync("pause", () => ConsoleAsync("PAUSE app"));
        await PartAsync("fence", () => PsqlAsync(bed.Host.App,
            $"alter database app set default_transaction_read_only = on; revoke insert, update, delete, truncate on all tables in schema public, shop, audit from {app}, {FaultBed.ClerkLogin}; "
            + "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"));
        await PartAsync("mark", async () => mark = (await PsqlAsync(bed.Host.App, "select pg_logical_emit_message(false, 'mark', 'here')")).Trim());
        await PartAsync("segment", () => login == BenchLogin.Superuser ? PsqlAsync(bed.Host.Superuser, "select pg_switch_wal()") : PsqlAsync(bed.Host.App, "select pg_logical_emit_message(true, 'fill', repeat(' ', 16777216))", readWrite: true));
        await PartAsync("drain", async () =>
        {
            while ((await PsqlAsync(bed.Link.Target, $"select pg_last_wal_replay_lsn() >= '{mark}'")).Trim() != "t")
            {
                // the next look
            }
        });
        await PartAsync("promote", () => RunAsync(bed.Target.User.Command(bed.Target.Binaries["pg_ctl"], "promote", "--pgdata", bed.Target.DataDirectory, "--wait", "--silent")));
        await PartAsync("open", () => PsqlAsync(bed.Link.Target,
            $"alter database app reset default_transaction_read_only; grant insert, update, delete, truncate on all tables in schema public, shop, audit to {app}; grant insert on all tables in schema public, shop to {FaultBed.ClerkLogin}", readWrite: true));
        await PartAsync("repoint", async () =>
        {
            string port = bed.Host.App.Port.ToString(CultureInfo.InvariantCulture), other = bed.Link.Target.Port.ToString(CultureInfo.InvariantCulture);
            await RunAsync(new ProcessStartInfo("sed", ["-i", $"s/port={port} dbname/port={other} dbname/", bed.ConfigFile]));
            await ConsoleAsync("RELOAD");
        });
        await PartAsync("resume", () => ConsoleAsync("RESUME app"));
        return _parts;
    }

    private async Task PartAsync(string name, Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        _parts.Add((name, clock.Elapsed.TotalSeconds));
    }

    private Task<string> ConsoleAsync(string command) => PsqlAsync(bed.Admin, command);

    private Task<string> PsqlAsync(PgServer server, string sql, bool readWrite = false)
    {
        var start = new ProcessStartInfo(bed.Target.Binaries["psql"],
            ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--host", server.Host, "--port", server.Port.ToString(CultureInfo.InvariantCulture), "--username", server.User, "--dbname", server.Database, "--command", sql]);
        start.Environment["PGPASSWORD"] = server.FindPassword() ?? string.Empty;
        if (readWrite)
        {
            start.Environment["PGOPTIONS"] = "-c default_transaction_read_only=off";
        }

        return RunAsync(start);
    }

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = "/";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{start.FileName} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}: {await errors}");
    }
}
