namespace PgMigration.Tests;

/// <summary>One command on the pooler's console.</summary>
internal static class PoolerConsole
{
    public static async Task RunAsync(LocalPgBouncer pooler, string command)
    {
        await using var console = await PgBouncerConsole.ConnectAsync(pooler.Admin, CancellationToken.None);
        await console.AskAsync(command, CancellationToken.None);
    }
}
