using System.Diagnostics;

namespace PgMigration.Tests;

/// <summary>The pooler's console by psql: it speaks the simple protocol only. The password goes by the environment.</summary>
internal static class PoolerConsole
{
    public static async Task RunAsync(LocalPgBouncer pooler, string command)
    {
        var start = new ProcessStartInfo(PostgresBinaries.Find()["psql"],
            ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", pooler.Admin.Host, "-p", $"{pooler.Admin.Port}", "-U", pooler.Admin.User, "-c", command, "pgbouncer"]);
        start.Environment["PGPASSWORD"] = pooler.AdminPassword;
        using var psql = Process.Start(start)!;
        await psql.WaitForExitAsync();
        Assert.Equal(0, psql.ExitCode);
    }
}
