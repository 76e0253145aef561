using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>A restored copy of a source with everything wrong that a physical copy can carry, in two databases.</summary>
[SupportedOSPlatform("linux")]
public sealed class TroubledCopy : IAsyncLifetime
{
    private ArchivingServer? _source;
    private RestoreTarget? _target;

    /// <summary>The link to the copy, as Start-WalRestore returns it.</summary>
    public WalLink Link { get; private set; } = null!;

    /// <summary>The warnings that came with it.</summary>
    public List<string> Warnings { get; } = [];

    public ArchivingServer Source => _source!;

    public string DataDirectory => _target!.DataDirectory;

    public async Task InitializeAsync()
    {
        _source = await ArchivingServer.StartAsync(null);
        await _source.FillAsync(10);
        await TestPostgres.ExecuteAsync(_source.Admin,
            "CREATE UNLOGGED TABLE \"Scratch\" (id int)",
            "CREATE TABLE twice (id int)", "INSERT INTO twice VALUES (1), (1)",
            "BEGIN; INSERT INTO item (body) VALUES ('prepared'); PREPARE TRANSACTION 'order 4711'",
            "CREATE COLLATION \"German\" (provider = icu, locale = 'de-DE')",
            "CREATE TABLE person (name text COLLATE \"German\", city text)",
            "CREATE INDEX person_name ON person (name)", "CREATE INDEX person_city ON person (city)",
            "UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'German'"); // as if an older library had sorted it
        await Assert.ThrowsAnyAsync<Exception>(() => TestPostgres.ExecuteAsync(_source.Admin, "CREATE UNIQUE INDEX CONCURRENTLY half_built ON twice (id)"));
        await TestPostgres.ExecuteAsync(_source.Postgres.Server, "CREATE DATABASE other TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'other'");
        await TestPostgres.ExecuteAsync(_source.Postgres.Server.WithDatabase("other"),
            "CREATE EXTENSION pg_trgm", "UPDATE pg_proc SET probin = '$libdir/gone-3' WHERE probin LIKE '%pg_trgm'", // as if its package were missing
            "CREATE TABLE word (word text PRIMARY KEY)");
        await _source.BackUpAsync();
        await _source.ArchiveNowAsync();
        _target = new RestoreTarget(_source);
        Link = await _target.StartAsync(observer: new Listener(Warnings));
    }

    public async Task DisposeAsync()
    {
        _target?.Dispose();
        await _source!.DisposeAsync();
    }

    private sealed class Listener(List<string> warnings) : IMigrationObserver
    {
        public void Progress(MigrationProgress progress)
        {
        }

        public void Warning(string message)
        {
            lock (warnings)
            {
                warnings.Add(message);
            }
        }

        public void Verbose(string message)
        {
        }
    }
}
