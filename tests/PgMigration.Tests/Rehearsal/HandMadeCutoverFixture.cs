using System.Diagnostics;
using Npgsql;

namespace PgMigration.Tests;

/// <summary>
/// A cutover made by hand, step by step and right: the app writes to the old server, which is fenced, copied while it is down, and stays
/// fenced; its copy is opened on a newer timeline and takes the app. What the proofs must find is then broken on purpose.
/// </summary>
public sealed class HandMadeCutoverFixture : IAsyncLifetime
{
    private WorkFolder? _folder;
    private LockedDownHost? _host;
    private LocalServer? _twin;
    private LocalPgBouncer? _pooler;

    public CommitJournal Journal { get; } = new();

    public PgServer OldServer => _host!.Superuser;

    /// <summary>The new server by the hosting company's login, to break things with.</summary>
    public PgServer NewServerAsSuperuser { get; private set; } = null!;

    public RehearsalEvidence Evidence { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        try
        {
            _folder = await WorkFolder.CreateAsync(path: null, OSUser.Default);
            await CutOverAsync(_folder);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_pooler is not null)
        {
            await _pooler.DisposeAsync();
        }

        if (_twin is not null)
        {
            await _twin.StopAsync("immediate");
        }

        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        Journal.Dispose();
        _folder?.Remove();
    }

    public static async Task ExecuteAsync(PgServer server, string sql)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task CutOverAsync(WorkFolder folder)
    {
        _host = await LockedDownHost.CreateAsync(folder, new LockedDownHostOptions { Binaries = PostgresBinaries.Find(), ArchiveCommand = "/bin/true" });
        await RehearsalData.FillAsync(_host.App, 1_000_000, IMigrationObserver.None);
        _pooler = await LocalPgBouncer.StartAsync(folder, _host);
        await using var app = new RehearsalApp(_pooler.App, _host.App, new RehearsalAppOptions { Writers = 4, CommitsPerSecond = 200 }, Journal);
        await app.StartAsync();
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (Journal.Commits.Where(commit => commit.Rows[0].Table == 0).Select(commit => commit.Kind).Distinct().Count() < 4 && DateTime.UtcNow < deadline)
        {
            await Task.Delay(20);
        }

        var began = Journal.Now;
        await PoolerConsole.RunAsync(_pooler, "PAUSE");
        foreach (string table in RehearsalTable.All.Select(table => table.Name))
        {
            await ExecuteAsync(_host.Superuser, $"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {LockedDownHost.AppLogin}");
        }

        await _host.StopAsync();
        _twin = await CopyAsync(folder, _host);
        await _host.Local.StartAsync();
        foreach (string table in RehearsalTable.All.Select(table => table.Name))
        {
            await ExecuteAsync(NewServerAsSuperuser, $"GRANT INSERT, UPDATE, DELETE ON {table} TO {LockedDownHost.AppLogin}");
        }

        var newServer = _host.App.WithHost("127.0.0.1", NewServerAsSuperuser.Port);
        string configuration = await File.ReadAllTextAsync(_pooler.ConfigurationFile);
        await File.WriteAllTextAsync(_pooler.ConfigurationFile, configuration.Replace($"port={_host.App.Port}", $"port={newServer.Port}", StringComparison.Ordinal));
        await PoolerConsole.RunAsync(_pooler, "RELOAD");
        await PoolerConsole.RunAsync(_pooler, "RESUME");
        var ended = Journal.Now;
        await Task.Delay(TimeSpan.FromSeconds(1)); // the app's time on the new server
        await app.StopAsync(TimeSpan.FromSeconds(10));
        Evidence = new RehearsalEvidence { Journal = Journal, OldServer = _host.Superuser, OldServerAsApp = _host.App, NewServer = newServer, CutoverBegan = began, CutoverEnded = ended };
    }

    private async Task<LocalServer> CopyAsync(WorkFolder folder, LockedDownHost host)
    {
        using (var copy = Process.Start("cp", ["-a", folder["host"], folder["twin"]]))
        {
            await copy.WaitForExitAsync();
            Assert.Equal(0, copy.ExitCode);
        }

        // an archive recovery that finds no archive ends at once, on a timeline of its own
        int port = LoopbackPort.Free();
        await folder.WriteAsync("twin/recovery.signal", string.Empty);
        await File.AppendAllTextAsync(folder["twin/postgresql.conf"], $"port = {port}\nrestore_command = '/bin/false'\n");
        var twin = new LocalServer(host.Local.Binaries, folder["twin"], folder.User);
        await twin.StartAsync();
        NewServerAsSuperuser = new PgServer(folder["run"], port, LockedDownHost.DatabaseName, LockedDownHost.SuperuserName);
        return twin;
    }
}
