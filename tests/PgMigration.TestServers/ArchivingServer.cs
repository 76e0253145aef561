using System.Globalization;
using Npgsql;
using PgMigration.Wal;
using Xunit;

namespace PgMigration;

/// <summary>A source that archives its WAL in WAL-G's layout into a folder, with base backups in the same place: what restores are tested on.</summary>
/// <remarks>Its app login owns the database and is neither superuser nor may replicate, as on a host. Dispose of it to remove everything.</remarks>
public sealed class ArchivingServer : IAsyncLifetime, IAsyncDisposable
{
    private readonly PostgresBinaries? _binaries;
    private readonly string[] _initdb = [];
    private TestPostgres? _postgres;
    private PgServer? _app;

    /// <summary>The server of a collection fixture.</summary>
    public ArchivingServer()
    {
    }

    private ArchivingServer(PostgresBinaries? binaries, string[] initdb)
    {
        _binaries = binaries;
        _initdb = initdb;
    }

    /// <summary>The server itself.</summary>
    public TestPostgres Postgres => _postgres ?? throw new InvalidOperationException("It was not started.");

    /// <summary>The app's database as its owner.</summary>
    public PgServer App => _app ?? throw new InvalidOperationException("It was not started.");

    /// <summary>The app's database as the superuser.</summary>
    public PgServer Admin => Postgres.Server.WithDatabase(App.Database);

    /// <summary>The archive's folder.</summary>
    public string ArchiveFolder => Path.Combine(Postgres.Folder, "archive");

    /// <summary>How the archive is reached.</summary>
    public ArchiveAccess Archive => ArchiveAccess.To(ArchiveFolder);

    /// <summary>A server of another major version, or made otherwise; dispose of it to remove it.</summary>
    /// <param name="binaries">Its programs; null for the newest that are installed.</param>
    /// <param name="initdb">More arguments of initdb, such as <c>--wal-segsize=1</c>.</param>
    public static async Task<ArchivingServer> StartAsync(PostgresBinaries? binaries, params string[] initdb)
    {
        var server = new ArchivingServer(binaries, initdb);
        try
        {
            await server.InitializeAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The archive_command of a server that archives to this one's archive, from whatever data directory.</summary>
    public string ArchiveCommand => $"cp %p {ArchiveFolder}/wal_005/%f.new && mv {ArchiveFolder}/wal_005/%f.new {ArchiveFolder}/wal_005/%f";

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        // The working directory is the data directory. By rename, since the archive must never show half a segment.
        const string Command = "cp %p ../archive/wal_005/%f.new && mv ../archive/wal_005/%f.new ../archive/wal_005/%f";
        _postgres = await TestPostgres.StartAsync(
            ["archive_mode = on", $"archive_command = '{Command}'", "archive_timeout = 60", "max_connections = 60"],
            async server =>
            {
                using var made = System.Diagnostics.Process.Start(server.Local.User.Command("mkdir", "-p", Path.Combine(server.Folder, "archive", "wal_005")))!;
                await made.WaitForExitAsync();
                if (_binaries is null && PostgresBinaries.Find().MajorVersion < 18) // from 18 on initdb does it
                {
                    await server.Local.RunAsync("pg_checksums", default, "--enable", "--no-sync", "--pgdata", server.Local.DataDirectory); // as hosts have them
                }
            },
            _binaries, _initdb);
        _app = await Postgres.CreateDatabaseAsync("app");
        await TestPostgres.ExecuteAsync(Admin, $"ALTER ROLE \"{App.User}\" PASSWORD 'its secret'");
        _app = _app.WithPassword("its secret");
    }

    /// <summary>Makes the table <c>item</c> anew, with so many rows.</summary>
    public Task FillAsync(int rows) => TestPostgres.ExecuteAsync(App,
        "DROP TABLE IF EXISTS item",
        "CREATE TABLE item (id bigserial PRIMARY KEY, body text NOT NULL)",
        string.Create(CultureInfo.InvariantCulture, $"INSERT INTO item (body) SELECT repeat(md5(i::text), 30) FROM generate_series(1, {rows}) i"));

    /// <summary>Adds a row.</summary>
    public Task AddAsync(string body) => TestPostgres.ExecuteAsync(App, $"INSERT INTO item (body) VALUES ('{body}')");

    /// <summary>A checksum over all rows of <c>item</c>, on this server or on a copy of it.</summary>
    public static Task<string> ChecksumAsync(PgServer server) =>
        TestPostgres.QueryAsync<string>(server, "SELECT count(*) || md5(string_agg(id || body, ',' ORDER BY id)) FROM item");

    /// <summary>Takes a base backup into the archive.</summary>
    /// <param name="options">How, such as with small parts.</param>
    /// <param name="asUser">The superuser that takes it.</param>
    public async Task<WalBackup> BackUpAsync(BackupWriterOptions? options = null, string asUser = "postgres")
    {
        using var storage = ArchiveStorage.Open(Archive);
        await using var session = await Admin.WithUser(asUser).ConnectAsync();
        return await new BackupWriter(storage, Postgres.Local.DataDirectory, options).WriteAsync(
            async _ =>
            {
                // before 15 these functions had other names, and one a third argument for backups beside each other
                string start = Postgres.Local.Binaries.MajorVersion >= 15 ? "pg_backup_start('test', true)" : "pg_start_backup('test', true, false)";
                await using var command = new NpgsqlCommand($"""
                    SELECT {start}::text, timeline_id, (SELECT setting::int FROM pg_settings WHERE name = 'wal_segment_size'),
                           system_identifier, current_setting('server_version_num')::int
                    FROM pg_control_checkpoint(), pg_control_system()
                    """, session);
                await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
                await reader.ReadAsync(CancellationToken.None);
                return new BackupStart(Lsn.Parse(reader.GetString(0)), (uint)reader.GetInt32(1), reader.GetInt32(2), (ulong)reader.GetInt64(3), reader.GetInt32(4));
            },
            async _ =>
            {
                string stop = Postgres.Local.Binaries.MajorVersion >= 15 ? "pg_backup_stop(true)" : "pg_stop_backup(false, true)";
                await using var command = new NpgsqlCommand($"SELECT lsn::text, labelfile, spcmapfile FROM {stop}", session);
                await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
                await reader.ReadAsync(CancellationToken.None);
                return new BackupStop(Lsn.Parse(reader.GetString(0)), reader.GetString(1), reader.GetString(2));
            });
    }

    /// <summary>Completes the current segment, and returns its name once the archive holds it.</summary>
    public async Task<string> ArchiveNowAsync()
    {
        string segment = await TestPostgres.QueryAsync<string>(Admin, "SELECT pg_walfile_name(pg_switch_wal())");
        await UntilAsync($"{segment} is archived", () => Task.FromResult(File.Exists(SegmentPath(segment))));
        return segment;
    }

    /// <summary>Where a segment lies in the archive.</summary>
    public string SegmentPath(string segment) => Path.Combine(ArchiveFolder, "wal_005", segment);

    /// <summary>Waits for something that offers no event, at most a minute.</summary>
    /// <param name="what">What is waited for, in words.</param>
    /// <param name="holds">Whether it is so.</param>
    /// <param name="instead">What is so instead, for the failure's text.</param>
    /// <param name="every">How often to look; null for 20 times a second, which misses what is over sooner.</param>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, Func<string>? instead = null, TimeSpan? every = null)
    {
        using var timer = new PeriodicTimer(every ?? TimeSpan.FromMilliseconds(50));
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (!await holds())
        {
            Assert.True(DateTime.UtcNow < deadline, string.Create(CultureInfo.InvariantCulture, $"60 s went by and not yet: {what}. {instead?.Invoke()}"));
            await timer.WaitForNextTickAsync();
        }
    }

    /// <inheritdoc cref="IAsyncDisposable.DisposeAsync"/>
    public async Task DisposeAsync() => await (_postgres?.DisposeAsync() ?? Task.CompletedTask);

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());
}
