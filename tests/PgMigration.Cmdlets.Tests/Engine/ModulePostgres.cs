using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PgMigration.Cmdlets.Tests;

/// <summary>A PostgreSQL server for the tests of cmdlets, which cannot reference the library: the imported module itself makes and starts it.</summary>
public sealed class ModulePostgres : IDisposable
{
    private const string Local = "[PgMigration.LocalServer]::new([PgMigration.PostgresBinaries]::Find([NullString]::Value, $null), \"$($args[0])/data\", [PgMigration.OSUser]::Default)";
    private const string None = "[Threading.CancellationToken]::None";

    private readonly HostedEngine _engine = HostedEngine.WithModule();
    private readonly string _folder;
    private readonly int _port = FreePort();
    private int _databases;

    public ModulePostgres()
    {
        _folder = $"/tmp/pgm-c{_port}";
        _engine.Run($$"""
            $server = {{Local}}
            [Diagnostics.Process]::Start($server.User.Command('mkdir', [string[]]('-m', '0700', $args[0]))).WaitForExit()
            $null = $server.InitializeAsync('postgres', {{None}}, [string[]]@()).GetAwaiter().GetResult()
            [IO.File]::AppendAllText("$($args[0])/data/postgresql.conf", "listen_addresses = '127.0.0.1'`nport = $($args[1])`nunix_socket_directories = '$($args[0])'`nfsync = off`nwal_level = logical`n")
            $null = $server.StartAsync($true, {{None}}).GetAwaiter().GetResult()
            """, _folder, _port);
    }

    /// <summary>The address of a fresh database in which the statements have run.</summary>
    public string NewDatabase(params string[] statements)
    {
        string name = $"d{Interlocked.Increment(ref _databases)}";
        Sql("postgres", $"CREATE DATABASE {name}");
        foreach (string statement in statements)
        {
            Sql(name, statement);
        }

        return $"postgres://postgres@127.0.0.1:{_port}/{name}";
    }

    /// <summary>What a query on a database says, as psql prints it without alignment.</summary>
    public string Sql(string databaseOrAddress, string statement)
    {
        using var psql = Process.Start(new ProcessStartInfo("psql", ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", $"{_port}", "-U", "postgres", "-d", databaseOrAddress.Split('/')[^1], "-c", statement])
        {
            RedirectStandardOutput = true,
        })!;
        string output = psql.StandardOutput.ReadToEnd().Trim();
        psql.WaitForExit();
        Assert.Equal(0, psql.ExitCode);
        return output;
    }

    public void Dispose()
    {
        _engine.Run($"$null = ({Local}).StopAsync('immediate', {None}).GetAwaiter().GetResult()", _folder);
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
